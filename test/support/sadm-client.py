"""A client of a sync feed as SADM's are, with Python's own library: URL SUBSCRIBE PUBLISH FIELD VALUE.

Prints the first line, changes a field of its first record through /update, prints the line that this makes.
"""
import hashlib
import hmac
import json
import sys
import time
import urllib.parse
import urllib.request


def token(secret, message):
    now = str(int(time.time()))
    text = '%s%s' % (message, now)
    return '%s:%s' % (now, hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest())


url, subscribe, publish, field, value = sys.argv[1:]
query = urllib.parse.urlencode({'data': json.dumps({}), 'hmac': token(subscribe, None)})
feed = urllib.request.urlopen('%s/poll?%s' % (url, query), timeout=20)
first = json.loads(feed.readline().decode())
print(json.dumps(first))
data = json.dumps([{'type': 'update', 'data': dict(first[0]['data'], **{field: value})}])
form = urllib.parse.urlencode({'data': data, 'hmac': token(publish, data)}).encode()
assert urllib.request.urlopen('%s/update' % url, form, timeout=20).status == 200
print(json.dumps(json.loads(feed.readline().decode())))
