"""Retraining: from a frozen dataset to a better version of an agent, as a durable job that proposes and never decides.

`service` answers whether there is reason and material enough and opens the job; `pipeline` is the job, stage by stage;
`bootstrapping` looks for good examples, `optimising` for better words, `classifying` for better weights; `proposals`
keeps what an optimiser writes within its bounds; `webhook` tells a pipeline outside.
"""
