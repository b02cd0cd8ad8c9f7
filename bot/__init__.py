"""Gonogo: launches business workflows from Slack, with a go/no-go from the people who must agree."""
