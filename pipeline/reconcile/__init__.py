"""What follows from the claims, and what cannot be true together.

`answer` reads the claims of comparable groups as windows on one count that never falls: which of them contradict
each other, which are set aside, and between which two whole numbers every year must lie. `disagreements` and
`series` do the same for the ledger, with causes. Writes no file and changes no claim: a claim set aside is still
published, and says so.
"""
