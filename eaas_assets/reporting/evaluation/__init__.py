"""The page of one evaluation run: is this agent version safe to ship?"""
