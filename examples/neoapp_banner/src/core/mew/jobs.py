"""What a schedule or a direct invocation starts: `{"job": "name", "input": {…}}`.

A schedule starts the job that its rule is named after. The job `health` is always there: it loads and binds
everything and reads all settings, which is what a deployment asks before it goes on.
"""

from __future__ import annotations

from blackcat import Jobs

jobs = Jobs()

# The command of the domain that has this name; the job's input is its payload.
jobs.command("expire_unpaid_pix")
jobs.command("remind_of_installments")
