"""What is asked of Google Cloud: runs, their schedule, their cost. The job itself is compiled elsewhere."""
