"""SensorsAnalyticsSDK (神策 Python SDK): old distinct_id calls and the newer bound identities."""

import json
import os
import sys

cache = os.environ.get("HEADWATER_CACHE") or os.path.expanduser("~/.cache/headwater")
sys.path.insert(0, os.path.join(cache, "tools", "python"))

from sensorsanalytics import BatchConsumer, SensorsAnalytics, SensorsAnalyticsIdentity  # noqa: E402


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: sensors-python.py http://127.0.0.1:8080 WRITE_KEY [person]")
    server, write_key = sys.argv[1].rstrip("/"), sys.argv[2]
    name = sys.argv[3] if len(sys.argv) > 3 else "sensors-python"
    who = identifiers_of(name)

    sensors = SensorsAnalytics(BatchConsumer(f"{server}/sa?project=default&token={write_key}"))
    sensors.track(who["anonymous"], "ViewProduct", {"product_id": "P-1", "price": 19.9})
    sensors.track_signup(who["login"], who["anonymous"], {"method": "phone"})
    sensors.profile_set(who["login"], {"name": "王小明", "city": "深圳"}, is_login_id=True)
    sensors.profile_increment(who["login"], {"points": 120}, is_login_id=True)
    sensors.profile_append(who["login"], {"hobby": ["足球", "读书"]}, is_login_id=True)
    login = SensorsAnalyticsIdentity(SensorsAnalyticsIdentity.LOGIN_ID, who["login"])
    mobile = SensorsAnalyticsIdentity(SensorsAnalyticsIdentity.MOBILE, who["phone"])
    email = SensorsAnalyticsIdentity(SensorsAnalyticsIdentity.EMAIL, who["email"])
    sensors.bind(login, mobile)
    sensors.bind(login, email)
    sensors.track_by_id("OrderCompleted", {"order_id": "O-7", "amount": 199.5}, login)
    sensors.close()  # sends what is waiting; raises unless the answer is 200

    print(json.dumps({
        "identifiers": [
            ["$identity_login_id", who["login"]],
            ["$identity_anonymous_id", who["anonymous"]],
            ["$identity_mobile", who["phone"]],
            ["$identity_email", who["email"]],
        ],
        "traits": {"name": "王小明", "city": "深圳", "points": 120, "hobby": ["足球", "读书"]},
        "events": ["ViewProduct", "OrderCompleted"],
    }, ensure_ascii=False))


def identifiers_of(name):
    """The same as in support.mjs, so that two SDKs can speak of one person."""
    number = 0
    for byte in name.encode():
        number = (number * 31 + byte) % 10000
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
    return {
        "login": f"user-{slug}",
        "anonymous": f"visitor-{slug}",
        "email": f"{slug}@example.com",
        "phone": f"1990000{number:04}",
    }


main()
