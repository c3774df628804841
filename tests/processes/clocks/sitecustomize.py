"""Read by processes under faketime, which breaks Python's sleep where it leaves the monotonic clock alone."""

import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
