"""The sandbox: a working stand-in of the part of Slack that we use, and of the five providers. Nothing outside imports it."""
