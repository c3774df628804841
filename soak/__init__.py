"""`make soak`: real servers and processes, killed and stopped at random moments, and a count of what went wrong.

Also the Django app whose bots the processes run.
"""
