"""The processes of a queue: a main process, its workers and a clock.

Tasks, schedules, results and their tables are django-q2's, and so is the loop in which a worker runs tasks.
What is ours is how a task gets from its row to a worker, and what happens when a process dies: without pipes
and without locks, because a lock outlives a holder that is killed.
"""
