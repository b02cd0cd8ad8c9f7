"""Gonogo: launches business workflows from Slack, with a go/no-go from the people who must agree.

domain/       values and decisions: policy, lifecycle, what an answer means; pure
surfaces/     what people type and see: command text, words, cards; pure
providers/    one translator per provider; pure
ports.py      the doors outward, as Protocols
tasks.py      how what runs in the background is ended
launching/    use cases: launch, cancel, look
definitions/  which workflows there are and what they take, remembered with its age
worker/       the loops that act: start, track, tell
gateways/     HTTP, Slack, clock       store/     durable memory
settings/     environment and configuration file, typed
app/          builds and joins everything; __main__ is the program; sandbox/ the demo; ../commands/ the doors people come through
"""
