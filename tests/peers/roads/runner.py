"""Runs clients, two at a time, and says of each how it ended.

Usage: runner.py JOBS RESULTS   (files of JSON: [{name, words, folder}] and [{name, code, out}])
"""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 60


def run(job):
    try:
        done = subprocess.run(
            job["words"], cwd=job["folder"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
        )
        code, out = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        code, out = None, error.stdout or b""
    except OSError as error:
        code, out = None, repr(error).encode()
    return {"name": job["name"], "code": code, "out": out.decode(errors="replace")}


with open(sys.argv[1], encoding="utf-8") as file:
    jobs = json.load(file)
with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(run, jobs))
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(results, file)
