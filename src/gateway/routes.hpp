// One HttpHandler for every HTTP face of a gateway, and one for nodes that have nothing but
// figures.
//
//   GET  /                     status page          POST /v1/completions
//   GET  /api/status           the same as JSON     POST /v1/chat/completions
//   GET  /loss.svg             the loss chart       GET  /v1/models, /v1/models/NAME
//   GET  /healthz              "ok"
//   GET  /metrics              for Prometheus
//
// HEAD works wherever GET does. Not built yet, answered with 501 and a sentence: /s3, /put, /get,
// /ingest, /console.
#pragma once

#include <functional>

#include "gateway/openai.hpp"
#include "gateway/status_page.hpp"
#include "net/http.hpp"

namespace mutirao::gateway {

// Both must outlive the handler. The handler may be called from many threads at once.
net::HttpHandler make_routes(InferenceRoute& inference, NetworkStatus& status);

// GET /metrics, whose text is `metrics`' answer (metrics.hpp), and /healthz; nothing else. As many
// threads at once as `metrics` bears.
net::HttpHandler make_metrics_routes(std::function<std::string()> metrics);

}  // namespace mutirao::gateway
