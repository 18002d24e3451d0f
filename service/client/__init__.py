"""A client of the service for Python programs; it needs httpx and pydantic alone.

with Client("http://localhost:8080", user="shop", password=password) as client:
    for item in client.recommend(items=["50", "181"], k=3).items:
        print(item.title)
"""

from service.client.client import Client
from service.client.errors import ClientError, RefusedError, UnavailableError
from service.client.event import Event

__all__ = ["Client", "ClientError", "Event", "RefusedError", "UnavailableError"]
