#include "ledger/history.hpp"

#include <algorithm>
#include <limits>

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

bool is_history(ByteSpan key) {
    return key.size() >= 2 && key[1] == '/' && (key[0] == 't' || key[0] == 'v' || key[0] == 'w');
}

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

const History::Entry* History::Endings::find(const Digest& transaction) const {
    const auto& tree = trees_[number(transaction)];
    const auto at = tree.find(transaction);
    return at == tree.end() ? nullptr : at->second;
}

void History::Endings::erase(const Entry& ending) {
    auto& tree = this->tree(ending.transaction);
    const auto at = tree.find(ending.transaction);
    if (at != tree.end() && at->second == &ending) tree.erase(at);
}

void History::Endings::visit(const Digest& from, const Each& each) const {
    for (auto i = number(from); i < trees_.size(); ++i)
        for (auto at = trees_[i].lower_bound(from); at != trees_[i].end(); ++at)
            if (!each(*at->second)) return;
}

std::size_t History::Endings::size() const {
    std::size_t out = 0;
    for (const auto& tree : trees_) out += tree.size();
    return out;
}

Value History::get(ByteSpan key) const {
    if (key.size() == 2 + 8) {
        const auto index = after_tag('v', key, 8);
        if (!index || big_endian(*index) < first_event_ || big_endian(*index) >= event_count())
            return {};
        return *events_[big_endian(*index) - first_event_];
    }
    if (key.size() != 2 + Digest::kSize) return {};
    const auto* ending = endings_.find(*Digest::from_bytes(key.subspan(2)));
    if (ending == nullptr) return {};
    if (after_tag('t', key, 0)) return ending->record;
    if (after_tag('w', key, 0) && !ending->words.empty()) return to_bytes(as_bytes(ending->words));
    return {};
}

std::vector<std::pair<Bytes, Bytes>> History::scan(ByteSpan prefix, ByteSpan after,
                                                   std::size_t limit) const {
    Scan scan{prefix, after, limit};
    const auto first = [&](char tag) {
        const auto rest = after_tag(tag, scan.from(), Digest::kSize);
        return rest ? *Digest::from_bytes(*rest) : Digest();
    };
    if (!scan.is_past('t'))
        endings_.visit(first('t'), [&](const auto& ending) {
            return scan.offer(tagged('t', ending.transaction), ending.record);
        });
    if (!scan.is_past('v')) {
        const auto rest = after_tag('v', scan.from(), 8);
        for (auto i = std::max(rest ? big_endian(*rest) : 0, first_event_); i < event_count(); ++i)
            if (!scan.offer(key::event(i), *events_[i - first_event_])) break;
    }
    if (!scan.is_past('w'))
        endings_.visit(first('w'), [&](const auto& ending) {
            return ending.words.empty() ||
                   scan.offer(tagged('w', ending.transaction), as_bytes(ending.words));
        });
    return std::move(scan.out);
}

Result<std::optional<Receipt>> History::receipt(const Digest& transaction) const {
    const auto* ending = endings_.find(transaction);
    if (ending == nullptr) return std::optional<Receipt>();
    TRY(auto receipt, decode_record<Receipt>(ending->record));
    receipt.error = ending->words;
    return std::optional<Receipt>(std::move(receipt));
}

void History::enter(Block block) {
    for (const auto& event : block->events) events_.push_back(&event);
    for (const auto& ending : block->receipts) endings_.put(ending);
    receipts_ += block->receipts.size();
    blocks_.push_back(std::move(block));
}

void History::add(BlockHistory block) {
    ENSURE(block.first_event == event_count(), "events follow one another");
    enter(std::make_shared<const BlockHistory>(std::move(block)));
    forget();
}

void History::extend(History& later) {
    ENSURE(later.first_event_ == event_count(), "events follow one another");
    for (auto& block : later.blocks_) enter(std::move(block));
    later = History(later.limits_);
    later.first_event_ = event_count();
    forget();
}

void History::forget() {
    while (blocks_.size() > 1 && (events_.size() > limits_.events || receipts_ > limits_.receipts ||
                                  blocks_.size() > limits_.blocks))
        forget_oldest();
}

void History::forget_oldest() {
    const auto oldest = std::move(blocks_.front());
    blocks_.pop_front();
    const auto events = oldest->events.size();
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(events));
    first_event_ += events;
    for (const auto& ending : oldest->receipts) endings_.erase(ending);
    receipts_ -= oldest->receipts.size();
}

History::View History::view() const { return {first_event_, event_count(), blocks_}; }

void History::View::write(const BlockHistory& block, Writer& out) {
    out.u(static_cast<std::uint32_t>(block.events.size()));
    out.u(static_cast<std::uint32_t>(block.receipts.size()));
    for (const auto& event : block.events) out.blob(event);
    for (const auto& ending : block.receipts)
        out.raw(ending.transaction.span()).blob(ending.record).text(ending.words);
}

bool History::View::next(std::size_t bytes, Writer& out) {
    for (; at_ < blocks_.size() && out.bytes().size() < bytes; ++at_)
        write(*std::exchange(blocks_[at_], nullptr), out);
    return at_ < blocks_.size();
}

Bytes History::View::part(std::size_t number) {
    const auto block = std::exchange(blocks_[number], nullptr);
    Writer out;
    out.u(block->first_event);
    write(*block, out);
    return std::move(out).take();
}

void History::encode(Writer& out) const {
    auto blocks = view();
    out.u(blocks.first_event()).u(blocks.blocks());
    blocks.next(std::numeric_limits<std::size_t>::max(), out);
}

namespace {

Result<BlockHistory> read_block(Reader& in, std::uint64_t first_event) {
    BlockHistory block{first_event, {}, {}};
    TRY(auto events, in.u<std::uint32_t>());
    TRY(auto receipts, in.u<std::uint32_t>());
    if (events > in.remaining() / 4 || receipts > in.remaining() / Digest::kSize)
        return Error{ErrorKind::corrupt, "the history is damaged: it ends early"};
    block.events.reserve(events);
    block.receipts.reserve(receipts);
    for (; events > 0; --events) {
        TRY(auto event, in.blob(kEntryMax));
        block.events.push_back(to_bytes(event));
    }
    for (; receipts > 0; --receipts) {
        TRY(auto transaction, in.fixed<Digest>());
        TRY(auto record, in.blob(kEntryMax));
        TRY(auto words, in.text(kEntryMax));
        block.receipts.push_back({transaction, to_bytes(record), std::move(words)});
    }
    return block;
}

Error ended_twice() {
    return {ErrorKind::corrupt, "the history is damaged: one transaction ended twice in it"};
}

}  // namespace

Result<History> History::decode(Reader& in) {
    History out;
    TRY(out.first_event_, in.u<std::uint64_t>());
    TRY(auto blocks, in.u<std::uint64_t>());
    for (; blocks > 0; --blocks) {
        TRY(auto block, read_block(in, out.event_count()));
        out.enter(std::make_shared<const BlockHistory>(std::move(block)));
    }
    if (out.endings_.size() != out.receipts_) return ended_twice();
    return out;
}

Status History::add_part(ByteSpan part) {
    Reader in(part);
    TRY(const auto first_event, in.u<std::uint64_t>());
    if (blocks_.empty()) first_event_ = first_event;
    if (first_event != event_count())
        return Error{ErrorKind::corrupt, "the history is damaged: event " +
                                             std::to_string(event_count()) + " is missing"};
    TRY(auto block, read_block(in, first_event));
    TRY_VOID(in.finish());
    for (const auto& ending : block.receipts)
        if (endings_.find(ending.transaction) != nullptr) return ended_twice();
    add(std::move(block));
    return {};
}

}  // namespace mutirao::ledger
