from orchestration.receiving import ReceivedTally, receive

__all__ = ["ReceivedTally", "receive"]
