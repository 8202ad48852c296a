// What the connections of one ChannelServer share: its room, its turns and its tickets.
#include <algorithm>

#include "base/ensure.hpp"
#include "net/channel_connection.hpp"

namespace mutirao::net {

ChannelShared::ChannelShared(Serve serve_with, Random& random_with, const ChannelLimits& with,
                             Admit admit_with)
    : serve(std::move(serve_with)),
      random(random_with),
      limits(with),
      admit(std::move(admit_with)),
      // A thread that has answered may not be back yet when its successor comes.
      handlers(with.handlers_max, with.handlers_max),
      buffers(with.bytes_max / 2) {}

bool ChannelShared::has_room(const std::string& caller, std::size_t bytes) const {
    const auto at = loads.find(caller);
    const auto used = at == loads.end() ? 0 : at->second.request_bytes;
    return request_bytes + bytes <= limits.bytes_max && used + bytes <= limits.caller_bytes_max;
}

bool ChannelShared::has_room_for_answers(const std::string& caller) const {
    const auto at = loads.find(caller);
    const auto waiting_to_go = at == loads.end() ? 0 : at->second.answer_bytes;
    return answer_bytes < limits.answer_bytes_max && waiting_to_go < limits.caller_answer_bytes_max;
}

void ChannelShared::settle(const std::string& caller) {
    const auto at = loads.find(caller);
    if (at != loads.end() && at->second == CallerLoad{}) loads.erase(at);
}

void ChannelShared::charge_request(const std::string& caller, std::size_t bytes) {
    request_bytes += bytes;
    load(caller).request_bytes += bytes;
}

void ChannelShared::discharge_request(const std::string& caller, std::size_t bytes) {
    request_bytes -= bytes;
    load(caller).request_bytes -= bytes;
    settle(caller);
}

void ChannelShared::charge_answer(const std::string& caller, std::size_t bytes) {
    answer_bytes += bytes;
    load(caller).answer_bytes += bytes;
}

void ChannelShared::discharge_answer(const std::string& caller, std::size_t bytes) {
    answer_bytes -= bytes;
    load(caller).answer_bytes -= bytes;
    settle(caller);
}

void ChannelShared::run_handlers() {
    const auto of_one = std::max<std::size_t>(limits.caller_handlers_max, 1);
    const auto may = [&](const std::string& caller) {
        return load(caller).handlers < of_one && has_room_for_answers(caller);
    };
    while (running < limits.handlers_max && !queue.empty()) {
        auto call = queue.take(may);
        if (!call) return;
        const auto connection = call->connection;
        ++running;
        ++load(connection->caller()).handlers;
        connection->run(std::move(*call));
    }
}

void ChannelShared::go_on() {
    run_handlers();
    // Each looks for itself whether there is room now, and else waits again.
    auto ready = std::move(waiting);
    waiting.clear();
    for (const auto& weak : ready)
        if (const auto connection = weak.lock()) connection->leave_line();
}

std::optional<ChannelShared::Granted> ChannelShared::find_ticket(const ChannelTicket::Id& id) {
    const std::lock_guard lock(tickets_mutex);
    for (const auto& granted : tickets)
        if (granted.ticket.id == id && std::chrono::steady_clock::now() < granted.ends)
            return granted;
    return std::nullopt;
}

ChannelTicket ChannelShared::grant(const Caller& caller) {
    const ChannelTicket ticket{random.fixed<ChannelTicket::Id>(), random.fixed<Digest>()};
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(tickets_mutex);
    const auto of_caller = [&](const auto& granted) {
        return granted.caller.name() == caller.name();
    };
    if (static_cast<std::size_t>(std::count_if(tickets.begin(), tickets.end(), of_caller)) >=
        limits.caller_tickets_max) {
        const auto oldest = std::find_if(tickets.rbegin(), tickets.rend(), of_caller);
        tickets.erase(std::next(oldest).base());
    }
    while (!tickets.empty() && (tickets.back().ends <= now || tickets.size() >= limits.tickets_max))
        tickets.pop_back();
    tickets.push_front({ticket, caller, now + limits.ticket_life});
    return ticket;
}

}  // namespace mutirao::net
