"""The ways of calling an agent, one each. What more than one of them needs stands in the folder above."""
