"""Bots and their turns: accepting events, leasing threads, running handlers, sending what they posted."""
