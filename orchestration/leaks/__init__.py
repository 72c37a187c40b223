"""Looking for canaries in everything that a deployment has written behind the stage `anonymize`."""
