"""Tests with real processes; also the app whose bot they run."""
