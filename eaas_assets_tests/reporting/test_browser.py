"""Pages full of hostile text in a real browser: nothing runs, and nothing is fetched."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eaas_assets.reporting.evaluation.report import render_evaluation_report
from eaas_assets.reporting.experiment.report import render_experiment_report
from eaas_assets.reporting.index.report import PortfolioEntry, render_index
from eaas_assets.reporting.narrative.facts import Told
from eaas_assets.reporting.portfolio.report import render_portfolio_report
from eaas_assets_tests.reporting.evaluation import test_report as evaluation
from eaas_assets_tests.reporting.experiment import test_report as experiment
from eaas_assets_tests.reporting.hostile import PAYLOADS
from eaas_assets_tests.reporting.index.test_report import entry
from eaas_assets_tests.reporting.index.test_report import experiment as indexed
from eaas_assets_tests.reporting.portfolio import test_report as portfolio

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}: hostile pages are not tried")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--dump-dom",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--virtual-time-budget=2000"]  # fmt: skip
FETCHES = (
    "<img src='{0}/img'><script src='{0}/script'></script><link rel=stylesheet href='{0}/css'>"
    "<iframe src='{0}/frame'></iframe><svg><image href='{0}/svg'/></svg><meta http-equiv=refresh content='0;{0}/go'>"
    "<style>@import '{0}/import'; body {{background: url({0}/background)}}</style>"
    "<body onload=\"document.title='owned'\"><form action='{0}/form'><input autofocus onfocus=submit()></form>"
)


@contextmanager
def site(page):
    """A server with one page; whatever else is asked for is noted."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = page(f"http://127.0.0.1:{self.server.server_address[1]}").encode() if self.path == "/page" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/page", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def visited(page, folder):
    """The page's title after the browser has run whatever it would, and what it fetched besides the page."""
    with site(page) as (url, asked):
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder}", url]
        dom = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode("utf-8", "replace")
    head = dom.split("<title>", 1)
    return head[1].split("</title>")[0] if len(head) > 1 else "", [
        path for path in asked if path not in {"/page", "/favicon.ico"}
    ]


def hostile(origin):
    """Every short payload, and everything that would make a browser fetch from ``origin``, in one text."""
    short = " ".join(payload for payload in PAYLOADS.values() if len(payload) < 1000)
    # The fetches stand first, because texts are shortened.
    return f"{FETCHES.format(origin)} {short}"


def evaluation_page(text):
    return render_evaluation_report(evaluation.written_by_others(text)).html


def experiment_page(text):
    return render_experiment_report(experiment.written_by_others(text), Told(text, text)).html


def portfolio_page(text):
    return render_portfolio_report(portfolio.written_by_others(text), Told(text, text)).html


def index_page(text):
    rows = [indexed(title=text, verdict=text)]
    return render_index([entry(verdict=f"{text} Safe to ship.")], rows, PortfolioEntry(text, "portfolio.html")).html


def test_a_page_that_did_not_escape_would_be_found_out(tmp_path):
    title, fetched = visited(lambda origin: f"<title>Mine</title>{hostile(origin)}", tmp_path)
    assert title == "owned" or fetched
    assert "/img" in fetched


@pytest.mark.parametrize(
    "page",
    [experiment_page, portfolio_page, pytest.param(index_page, marks=pytest.mark.slow),
     pytest.param(evaluation_page, marks=pytest.mark.slow)],
)  # fmt: skip
def test_no_script_runs_and_nothing_is_fetched(page, tmp_path):
    title, fetched = visited(lambda origin: page(hostile(origin)), tmp_path)
    assert fetched == []
    assert title not in {"", "owned"}
