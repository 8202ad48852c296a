#include "ledger/history.hpp"

#include <algorithm>

#include "ledger/state_hash.hpp"
#include "ledger/state_slots.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kEntryMax = 4096;  // bytes of an event, a receipt or a sentence

Bytes tagged(char tag, const Digest& transaction) {
    Bytes out{static_cast<std::uint8_t>(tag), '/'};
    out.insert(out.end(), transaction.bytes.begin(), transaction.bytes.end());
    return out;
}

// What follows the tag, filled up with zeros or cut off at `size`; nullopt under another tag.
std::optional<Bytes> after_tag(char tag, ByteSpan key, std::size_t size) {
    if (key.size() < 2 || key[0] != static_cast<std::uint8_t>(tag) || key[1] != '/')
        return std::nullopt;
    auto out = to_bytes(key.subspan(2, std::min(size, key.size() - 2)));
    out.resize(size);
    return out;
}

std::uint64_t big_endian(ByteSpan bytes) {
    std::uint64_t out = 0;
    for (const auto byte : bytes) out = out << 8 | byte;
    return out;
}

// Where a scan is: what it wants, and what it has.
struct Scan {
    ByteSpan prefix, after;
    std::size_t limit;
    std::vector<std::pair<Bytes, Bytes>> out = {};

    // The least key that may be wanted.
    ByteSpan from() const { return key_less(after, prefix) ? prefix : after; }
    // Whether keys under the tag are all before that.
    bool is_past(char tag) const {
        const std::uint8_t end[] = {static_cast<std::uint8_t>(tag), '/' + 1};
        return !key_less(from(), end);
    }
    // False when nothing that comes after `key` is wanted any more.
    bool offer(Bytes key, ByteSpan value) {
        if (out.size() >= limit) return false;
        if (key_less(key, from()) || (!after.empty() && key_equal(key, after))) return true;
        if (!has_prefix(key, prefix)) return false;
        out.emplace_back(std::move(key), to_bytes(value));
        return true;
    }
};

// Receipts hold an ErrorKind as a number, so these numbers never change.
static_assert(static_cast<int>(ErrorKind::invalid_argument) == 0 &&
              static_cast<int>(ErrorKind::permission_denied) == 3 &&
              static_cast<int>(ErrorKind::corrupt) == 8 && static_cast<int>(ErrorKind::io) == 10);

}  // namespace

namespace key {
Bytes receipt(const Digest& transaction) { return tagged('t', transaction); }
}  // namespace key

Status Receipt::status() const {
    if (succeeded) return {};
    if (error_kind > static_cast<std::uint8_t>(ErrorKind::io))
        return Error{ErrorKind::corrupt, "a receipt with an unknown error: " + error};
    return Error{static_cast<ErrorKind>(error_kind), error};
}

void BlockHistory::add(const Receipt& receipt) {
    auto record = receipt;
    auto words = std::exchange(record.error, {});
    receipts.push_back({record.transaction, encode_record(record), std::move(words)});
}

void BlockHistory::add(const std::vector<Event>& block_events) {
    for (auto event : block_events) {
        event.index = events_end();
        events.push_back(encode_record(event));
    }
}

Digest BlockHistory::root() const {
    std::vector<std::pair<Bytes, ByteSpan>> entries;
    entries.reserve(events.size() + receipts.size());
    for (std::size_t i = 0; i < events.size(); ++i)
        entries.emplace_back(key::event(first_event + i), events[i]);
    for (const auto& entry : receipts)
        entries.emplace_back(key::receipt(entry.transaction), entry.record);
    return state_hash::history_root(entries);
}

Value History::get(ByteSpan key) const {
    if (key.size() == 2 + 8) {
        const auto index = after_tag('v', key, 8);
        if (!index || big_endian(*index) < first_event_ || big_endian(*index) >= event_count())
            return {};
        return events_[big_endian(*index) - first_event_];
    }
    if (key.size() != 2 + Digest::kSize) return {};
    const auto at = endings_.find(*Digest::from_bytes(key.subspan(2)));
    if (at == endings_.end()) return {};
    if (after_tag('t', key, 0)) return at->second.record;
    if (after_tag('w', key, 0) && !at->second.words.empty())
        return to_bytes(as_bytes(at->second.words));
    return {};
}

std::vector<std::pair<Bytes, Bytes>> History::scan(ByteSpan prefix, ByteSpan after,
                                                   std::size_t limit) const {
    Scan scan{prefix, after, limit};
    const auto ending = [&](char tag) {
        const auto rest = after_tag(tag, scan.from(), Digest::kSize);
        return rest ? endings_.lower_bound(*Digest::from_bytes(*rest)) : endings_.begin();
    };
    if (!scan.is_past('t'))
        for (auto at = ending('t'); at != endings_.end(); ++at)
            if (!scan.offer(tagged('t', at->first), at->second.record)) break;
    if (!scan.is_past('v')) {
        const auto rest = after_tag('v', scan.from(), 8);
        for (auto i = std::max(rest ? big_endian(*rest) : 0, first_event_); i < event_count(); ++i)
            if (!scan.offer(key::event(i), events_[i - first_event_])) break;
    }
    if (!scan.is_past('w'))
        for (auto at = ending('w'); at != endings_.end(); ++at)
            if (!at->second.words.empty() &&
                !scan.offer(tagged('w', at->first), as_bytes(at->second.words)))
                break;
    return std::move(scan.out);
}

Result<std::optional<Receipt>> History::receipt(const Digest& transaction) const {
    const auto at = endings_.find(transaction);
    if (at == endings_.end()) return std::optional<Receipt>();
    TRY(auto receipt, decode_record<Receipt>(at->second.record));
    receipt.error = at->second.words;
    return std::optional<Receipt>(std::move(receipt));
}

void History::add(BlockHistory block) {
    ENSURE(block.first_event == event_count(), "events follow one another");
    blocks_.push_back({static_cast<std::uint32_t>(block.events.size()), 0});
    std::move(block.events.begin(), block.events.end(), std::back_inserter(events_));
    for (auto& entry : block.receipts) {
        const bool is_new = endings_
                                .insert_or_assign(entry.transaction, Ending{std::move(entry.record),
                                                                            std::move(entry.words)})
                                .second;
        if (!is_new) continue;
        order_.push_back(entry.transaction);
        ++blocks_.back().receipts;
    }
    while (blocks_.size() > 1 &&
           (events_.size() > limits_.events || order_.size() > limits_.receipts ||
            blocks_.size() > limits_.blocks))
        forget_oldest();
}

void History::forget_oldest() {
    const auto oldest = blocks_.front();
    blocks_.pop_front();
    events_.erase(events_.begin(), events_.begin() + oldest.events);
    first_event_ += oldest.events;
    for (std::uint32_t i = 0; i < oldest.receipts; ++i) {
        endings_.erase(order_.front());
        order_.pop_front();
    }
}

void History::encode(Writer& out) const {
    out.u(first_event_).u(static_cast<std::uint64_t>(blocks_.size()));
    for (const auto& block : blocks_) out.u(block.events).u(block.receipts);
    for (const auto& event : events_) out.blob(event);
    for (const auto& transaction : order_) {
        const auto& ending = endings_.at(transaction);
        out.raw(transaction.span()).blob(ending.record).text(ending.words);
    }
}

Result<History> History::decode(Reader& in) {
    History out;
    TRY(out.first_event_, in.u<std::uint64_t>());
    TRY(auto blocks, in.u<std::uint64_t>());
    std::uint64_t events = 0, endings = 0;
    for (; blocks > 0; --blocks) {
        Block block;
        TRY(block.events, in.u<std::uint32_t>());
        TRY(block.receipts, in.u<std::uint32_t>());
        events += block.events, endings += block.receipts;
        out.blocks_.push_back(block);
    }
    for (; events > 0; --events) {
        TRY(auto event, in.blob(kEntryMax));
        out.events_.push_back(to_bytes(event));
    }
    for (; endings > 0; --endings) {
        TRY(auto transaction, in.fixed<Digest>());
        TRY(auto record, in.blob(kEntryMax));
        TRY(auto words, in.text(kEntryMax));
        if (!out.endings_.emplace(transaction, Ending{to_bytes(record), std::move(words)}).second)
            return Error{ErrorKind::corrupt,
                         "the history is damaged: one transaction ended twice in it"};
        out.order_.push_back(transaction);
    }
    return out;
}

}  // namespace mutirao::ledger
