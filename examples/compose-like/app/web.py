"""Shows how many documents there are."""
import os
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        count = subprocess.run(["psql", "-tAc", "SELECT count(*) FROM documents"], capture_output=True, text=True)
        self.send_response(200 if count.returncode == 0 else 503)
        self.end_headers()
        self.wfile.write(count.stdout.encode())

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", int(os.environ["WEB_PORT"])), Handler).serve_forever()
