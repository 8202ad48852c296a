#include <boost/json.hpp>
#include <cmath>

#include "gateway/status_page.hpp"
#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

json::value text(std::string_view value) { return json::value(valid_utf8(value)); }

// JSON has no words for infinity and not-a-number.
json::value number(double value) {
    return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

template <class Row, class ToObject>
json::array rows(const std::vector<Row>& all, ToObject to_object) {
    json::array out;
    out.reserve(all.size());
    for (const auto& row : all) out.push_back(to_object(row));
    return out;
}

json::object node_object(const NodeStatus& node) {
    return {{"role", text(node.role)},
            {"address", text(node.address)},
            {"endpoint", text(node.endpoint)},
            {"up", node.up},
            {"slots", node.slots},
            {"bytes", node.bytes}};
}

json::object block_object(const LedgerBlockStatus& block) {
    return {{"height", block.height},
            {"unix_ms", block.unix_ms},
            {"transactions", block.transactions},
            {"certificates", block.certificates}};
}

json::object certificate_object(const CertificateStatus& certificate) {
    return {{"height", certificate.height}, {"block_id", text(certificate.block_id)},
            {"length", certificate.length}, {"signed_slots", certificate.signed_slots},
            {"slots", certificate.slots},   {"bytes", certificate.bytes}};
}

json::object object_object(const ObjectStatus& object) {
    return {{"name", text(object.name)},
            {"size", object.size},
            {"blocks", object.blocks},
            {"owner", text(object.owner)}};
}

json::object loss_object(const LossPoint& point) {
    json::object out;
    out["round"] = point.round;
    out["training"] = number(point.training);
    out["held_out"] = point.held_out ? number(*point.held_out) : json::value(nullptr);
    return out;
}

json::value training_value(const std::optional<TrainingStatus>& training) {
    if (!training) return nullptr;
    json::object out;
    out["name"] = text(training->name);
    out["state"] = text(training->state);
    out["tokens_per_second"] = number(training->tokens_per_second);
    out["bytes_exchanged"] = training->bytes_exchanged;
    out["allreduce_bytes"] = training->allreduce_bytes;
    out["losses"] = rows(training->losses, loss_object);
    return out;
}

json::object share_object(const ModelShare& share) {
    return {{"owner", text(share.owner)}, {"ppm", share.ppm}};
}

json::object model_object(const ModelStatus& model) {
    json::object out;
    out["name"] = text(model.name);
    out["id"] = text(model.id);
    out["price"] = text(model.price);
    out["shares"] = rows(model.shares, share_object);
    return out;
}

json::object payment_object(const PaymentStatus& payment) {
    return {{"height", payment.height},
            {"to", text(payment.to)},
            {"amount", text(payment.amount)},
            {"why", text(payment.why)}};
}

}  // namespace

std::string status_json(const StatusSnapshot& snapshot) {
    json::object out;
    out["network"] = text(snapshot.network);
    out["unix_ms"] = snapshot.unix_ms;
    out["consensus_bytes"] = snapshot.consensus_bytes;
    out["stored_bytes"] = snapshot.stored_bytes;
    out["ethereum_url"] = text(snapshot.ethereum_url);
    out["nodes"] = rows(snapshot.nodes, node_object);
    out["blocks"] = rows(snapshot.blocks, block_object);
    out["certificates"] = rows(snapshot.certificates, certificate_object);
    out["objects"] = rows(snapshot.objects, object_object);
    out["training"] = training_value(snapshot.training);
    out["models"] = rows(snapshot.models, model_object);
    out["payments"] = rows(snapshot.payments, payment_object);
    return json::serialize(out);
}

}  // namespace mutirao::gateway
