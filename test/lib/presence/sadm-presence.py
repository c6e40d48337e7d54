"""A client of presencesync as SADM's is, with Python's own library: URL SUBSCRIBE PUBLISH.

Logs u1 on at m1, tries m2, logs out twice; prints each answer, and what a subscriber was told meanwhile.
"""
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def token(secret, message):
    now = str(int(time.time()))
    text = '%s%s' % (message, now)
    return '%s:%s' % (now, hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest())


def signed(secret, message):
    data = json.dumps(message)
    return urllib.parse.urlencode({'data': data, 'hmac': token(secret, data)})


def send(path, login, hostname):
    """None when it is fine, or the reason, as SADM's client has it."""
    form = signed(publish, {'login': login, 'hostname': hostname}).encode()
    try:
        urllib.request.urlopen('%s/%s' % (url, path), form, timeout=20)
    except urllib.error.HTTPError as error:
        return error.read().decode()


def get_list():
    return json.loads(urllib.request.urlopen('%s/get_list?%s' % (url, signed(subscribe, {})), timeout=20).read().decode())


url, subscribe, publish = sys.argv[1:]
query = urllib.parse.urlencode({'data': json.dumps({}), 'hmac': token(subscribe, None)})
feed = urllib.request.urlopen('%s/poll?%s' % (url, query), timeout=20)
told = {'login': send('login', 'u1', 'm1'), 'again': send('login', 'u1', 'm1')}
send('heartbeat', 'u1', 'm1')
told['elsewhere'] = send('login', 'u1', 'm2')
urllib.request.urlopen('%s/remove_expired' % url, signed(publish, {}).encode(), timeout=20)
told['list'] = get_list()
told['logout'] = send('logout', 'u1', 'm1')
told['twice'] = send('logout', 'u1', 'm1')
told['after'] = get_list()
told['lines'] = [json.loads(feed.readline().decode()) for _ in range(3)]
print(json.dumps(told))
