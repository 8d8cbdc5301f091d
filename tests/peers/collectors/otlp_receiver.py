"""Receives OpenTelemetry logs over HTTP and reads them with the official classes. Each record goes
to a file as a line of JSON.

    otlp_receiver.py FILE KEY MOST NEVER

A request must show the header `x-api-key: KEY`. One with more than MOST records is rejected, as is
the record whose `tollgate.seq` is NEVER; both by a partial success."""

import gzip
import http.server
import json
import sys

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

FILE, KEY, MOST, NEVER = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def plain(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind)


def rows(request):
    for resource in request.resource_logs:
        service = {item.key: plain(item.value) for item in resource.resource.attributes}
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "service": service["service.name"],
                    "scope": scope.scope.name,
                    "body": plain(record.body),
                    "event": record.event_name,
                    "time": record.time_unix_nano,
                    "severity": record.severity_number,
                    "word": record.severity_text,
                    "attributes": {item.key: plain(item.value) for item in record.attributes},
                }


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/v1/logs" or self.headers["content-type"] != "application/x-protobuf":
            return self.answer(404)
        if self.headers["x-api-key"] != KEY:
            return self.answer(401)
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        request = ExportLogsServiceRequest()
        request.ParseFromString(body)
        records = list(rows(request))
        response = ExportLogsServiceResponse()
        if len(records) > MOST or any(row["attributes"]["tollgate.seq"] == NEVER for row in records):
            response.partial_success.rejected_log_records = len(records)
            response.partial_success.error_message = "not these"
        else:
            with open(FILE, "a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in records)
        self.answer(200, response.SerializeToString())

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
