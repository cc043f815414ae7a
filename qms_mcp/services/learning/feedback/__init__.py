"""Feedback of people, of scorers after every run, and of judges: kept, looked through, and what people should see."""
