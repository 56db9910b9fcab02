"""A server on loopback that plays answers in turn, and a feed."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("feedparser")
pytest.importorskip("massive")
from mm_env.sentiment.sources import RssSource

KEY = "k3y-that-nobody-may-see"
RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Markets</title>
<item><guid>a1</guid><title>Acme &amp;amp; Co beats &lt;b&gt;estimates&lt;/b&gt;</title><link>https://example.org/a1</link>
  <pubDate>Thu, 05 Mar 2020 10:30:00 -0500</pubDate></item>
<item><guid>a2</guid><title>Oil
  falls 3%</title><pubDate>Thu, 05 Mar 2020 16:00:00 GMT</pubDate></item>
<item><guid>a3</guid><title>No date here</title></item>
<item><guid>a4</guid><title>  </title></item>
</channel></rss>"""


class Server:
    """Answers in turn: (status, headers, body), a number of seconds to wait first, or the last one again."""

    def __init__(self):
        self.answers, self.asked = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                status, headers, body, wait = (*answer, 0.0)[:4]
                time.sleep(wait)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_):  # a client that went away
                pass

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


def ok(body, **headers):
    return 200, {name.replace("_", "-"): value for name, value in headers.items()}, body


def feed(server, path="/feed", **options):
    return RssSource(server.url + path, **{"timeout_seconds": 2.0, "backoff_seconds": 0.0, **options})
