#include "publish/retriever.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/inbox.hpp"

namespace mutirao::publish {
namespace {

// Members in the order in which they are asked: those that rest last.
std::vector<std::uint32_t> by_health(const Committee& committee, const NodeHealth& health,
                                     std::uint32_t first) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < committee.size(); ++i)
        out.push_back((first + i) % committee.size());
    std::stable_partition(out.begin(), out.end(), [&](std::uint32_t member) {
        return !health.rests(committee.node(member));
    });
    return out;
}

using RowsByMember = std::map<std::uint32_t, std::vector<std::uint32_t>>;  // member -> row indexes

// One read of one block by one thread.
class Read {
  public:
    Read(StorageCalls& nodes, NodeHealth& health, Clock& clock, const RetrievalOptions& options,
         const BlockId& id, const Committee& committee,
         std::shared_ptr<const block::StatementCheck> check)
        : nodes_(nodes),
          health_(health),
          clock_(clock),
          options_(options),
          id_(id),
          committee_(committee),
          check_(std::move(check)) {
        for (std::uint32_t member = 0; member < committee.size(); ++member)
            if (health.rests(committee.node(member))) doubtful_.insert(member);
    }

    // Data rows [first, end), then whatever else gives `needed` rows. False when not so many are
    // to be had. `only` those: no others instead.
    bool fetch(std::uint32_t first, std::uint32_t end, std::uint32_t needed, bool only);

    const block::Header& header() const { return check_->header(); }
    ByteSpan row(std::uint32_t index) const { return rows_.at(index); }
    std::uint32_t rows_here() const { return static_cast<std::uint32_t>(rows_.size()); }
    Result<Bytes> recover() const;
    Error too_few() const;
    void report(BlockRead& out) const;

    std::vector<NodeFailure> failures;

  private:
    struct Answer {
        std::uint32_t call;
        Result<ServedRows> served;
    };
    struct Call {
        std::uint32_t member;
        std::uint32_t rows;
        Duration asked;
        bool late = false;
    };

    std::uint32_t owner(std::uint32_t row) const {
        return committee_.placement->owner(id_, check_->order().slot_of(row));
    }
    std::uint32_t on_their_way() const;
    void ask(const RowsByMember& wanted);
    bool start_over();
    RowsByMember spare_rows(std::uint32_t count, bool of_doubtful) const;
    void ask_for_more(std::uint32_t needed);
    void take(Answer answer);
    Status check(const ServedRows& served) const;
    Duration hedge_after() const;
    void find_late(Duration after);

    StorageCalls& nodes_;
    NodeHealth& health_;
    Clock& clock_;
    const RetrievalOptions& options_;
    const BlockId id_;
    const Committee& committee_;
    const std::shared_ptr<const block::StatementCheck> check_;
    std::shared_ptr<Inbox<Answer>> inbox_ = std::make_shared<Inbox<Answer>>();
    std::map<std::uint32_t, Call> calls_;  // not answered yet
    std::uint32_t next_call_ = 0;
    bool slot_by_slot_ = false;  // the second round
    std::vector<Duration> answer_times_;
    std::map<std::uint32_t, ByteSpan> rows_;  // verified rows by index
    std::vector<std::shared_ptr<const void>> owners_;
    std::set<std::uint32_t> asked_;     // row indexes
    std::set<std::uint32_t> failed_;    // members
    std::set<std::uint32_t> doubtful_;  // members that rest or are late: asked last
    std::set<std::uint32_t> answered_;  // members
};

void Read::ask(const RowsByMember& wanted) {
    const std::size_t rows_a_call =
        std::max<std::size_t>(1, options_.call_bytes / header().row_size);
    for (const auto& [member, indexes] : wanted) {
        // The rows of each call; in the second round those of one slot.
        std::map<std::size_t, std::vector<std::uint32_t>> parts;
        for (std::size_t i = 0; i < indexes.size(); ++i)
            parts[slot_by_slot_ ? check_->order().slot_of(indexes[i]) : i / rows_a_call].push_back(
                indexes[i]);
        for (auto& [number, part] : parts) {
            asked_.insert(part.begin(), part.end());
            const auto call = next_call_++;
            calls_[call] = {member, static_cast<std::uint32_t>(part.size()), clock_.monotonic()};
            nodes_.rows(committee_.node(member), id_, std::move(part),
                        [inbox = inbox_, call](auto served) {
                            inbox->put({call, std::move(served)});
                        });
        }
    }
}

// A member that failed once may still have most of its rows: it lost one slot, or was busy. When
// the others do not suffice, every row that is missing is asked for again, slot by slot, so that
// what fails costs only itself. Once a read.
bool Read::start_over() {
    if (std::exchange(slot_by_slot_, true)) return false;
    failed_.clear();
    std::erase_if(asked_, [this](auto row) { return !rows_.contains(row); });
    return true;
}

std::uint32_t Read::on_their_way() const {
    std::uint32_t rows = 0;
    for (const auto& [number, call] : calls_)
        if (!call.late && !failed_.contains(call.member)) rows += call.rows;
    return rows;
}

// Up to `count` rows never asked for, of members that did not fail.
RowsByMember Read::spare_rows(std::uint32_t count, bool of_doubtful) const {
    RowsByMember wanted;
    for (std::uint32_t row = 0; row < header().rows && count > 0; ++row) {
        const auto member = owner(row);
        if (asked_.contains(row) || failed_.contains(member) ||
            doubtful_.contains(member) != of_doubtful)
            continue;
        wanted[member].push_back(row);
        --count;
    }
    return wanted;
}

void Read::ask_for_more(std::uint32_t needed) {
    for (const bool of_doubtful : {false, true}) {
        const auto coming = rows_here() + on_their_way();
        if (coming < needed) ask(spare_rows(needed - coming, of_doubtful));
    }
}

Status Read::check(const ServedRows& served) const {
    std::vector<block::PartialSlot> parts;
    for (const auto& slot : served.slots) parts.push_back({slot.slot, slot.digests, slot.rows});
    return check_->check_rows(parts, options_.threads);
}

void Read::take(Answer answer) {
    const auto at = calls_.find(answer.call);
    const auto call = at->second;
    calls_.erase(at);
    const auto& node = committee_.node(call.member);
    auto status = answer.served.ok() ? check(*answer.served) : Status(answer.served.error());
    if (!status.ok()) {
        health_.failed(node, status.error());
        if (!slot_by_slot_ && failed_.insert(call.member).second)
            failures.push_back({node, status.error()});
        return;
    }
    health_.answered(node);
    doubtful_.erase(call.member);
    answer_times_.push_back(clock_.monotonic() - call.asked);
    answered_.insert(call.member);
    owners_.push_back(std::move(answer.served->owner));
    for (const auto& slot : answer.served->slots)
        for (const auto& row : slot.rows) rows_.emplace(row.index, row.bytes);
}

Duration Read::hedge_after() const {
    if (answer_times_.empty()) return 4 * options_.hedge_after;
    auto times = answer_times_;
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return std::max(options_.hedge_after, 3 * *middle);
}

void Read::find_late(Duration after) {
    const auto limit = clock_.monotonic() - after;
    for (auto& [number, call] : calls_)
        if (call.asked < limit && !call.late) {
            call.late = true;
            doubtful_.insert(call.member);
        }
}

bool Read::fetch(std::uint32_t first, std::uint32_t end, std::uint32_t needed, bool only) {
    RowsByMember wanted;
    for (auto row = first; row < end; ++row) {
        const auto member = owner(row);
        if (asked_.contains(row) || (!only && doubtful_.contains(member))) continue;
        wanted[member].push_back(row);
    }
    ask(wanted);
    while (rows_here() < needed) {
        find_late(only ? std::max(options_.range_patience, hedge_after()) : hedge_after());
        if (only && rows_here() + on_their_way() < needed) return false;
        if (!only) ask_for_more(needed);
        if (calls_.empty()) {
            if (!only && start_over()) continue;
            return false;
        }
        if (auto answer = inbox_->take(hedge_after() / 2)) take(std::move(*answer));
    }
    return true;
}

Error Read::too_few() const {
    std::string message =
        "block " + id_.hex() + " cannot be read now: " + std::to_string(rows_here()) +
        " good fragments of the " + std::to_string(header().data_rows) + " needed, from " +
        std::to_string(answered_.size()) + " of " + std::to_string(committee_.size()) + " nodes";
    if (!failures.empty()) message += "; the first failure: " + failures.front().error.message;
    return Error{ErrorKind::unavailable, std::move(message)};
}

Result<Bytes> Read::recover() const {
    std::vector<coding::Row> rows;
    for (const auto& [index, bytes] : rows_) {
        if (rows.size() == header().data_rows) break;
        rows.push_back({index, bytes});
    }
    return block::recover_content(*check_, rows, {}, options_.threads);
}

void Read::report(BlockRead& out) const {
    std::uint32_t used = 0;
    for (const auto& [index, bytes] : rows_) {
        if (used++ == header().data_rows) break;
        ++(index < header().data_rows ? out.data_rows_used : out.parity_rows_used);
    }
    out.header = header();
    out.nodes_answered = static_cast<std::uint32_t>(answered_.size());
    out.failures = failures;
}

}  // namespace

// The statement from the first member that serves the right one; two are asked at a time.
Result<Retriever::Check> Retriever::statement(const BlockId& id, const Committee& committee,
                                              std::vector<NodeFailure>& failures) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = std::find_if(kept_.begin(), kept_.end(),
                                     [&](const auto& each) { return each.first == id; });
        if (at != kept_.end()) {
            kept_.splice(kept_.begin(), kept_, at);
            return at->second;
        }
    }
    struct Answer {
        std::uint32_t member;
        Result<Bytes> statement;
    };
    auto inbox = std::make_shared<Inbox<Answer>>();
    const auto members = by_health(committee, health_, id.bytes[1] % committee.size());
    std::size_t asked = 0, open = 0;
    while (asked < members.size() || open > 0) {
        for (int i = 0; i < (asked == 0 ? 2 : 1) && asked < members.size(); ++i, ++open) {
            const auto member = members[asked++];
            nodes_.statement(committee.node(member), id, [inbox, member](auto bytes) {
                inbox->put({member, std::move(bytes)});
            });
        }
        // The last ones asked have until their deadline.
        const bool last = asked == members.size();
        auto answer = inbox->take(last ? Duration(std::chrono::minutes(1)) : options_.hedge_after);
        if (!answer) continue;
        --open;
        auto opened = [&]() -> Result<Check> {
            TRY(auto bytes, std::move(answer->statement));
            TRY(auto decoded, block::Statement::decode(bytes));
            TRY(auto check, block::StatementCheck::open(id, std::move(decoded)));
            return std::make_shared<const block::StatementCheck>(std::move(check));
        }();
        if (opened.ok()) {
            const std::lock_guard lock(mutex_);
            kept_.emplace_front(id, *opened);
            if (kept_.size() > options_.statements_kept) kept_.pop_back();
            return opened;
        }
        health_.failed(committee.node(answer->member), opened.error());
        failures.push_back({committee.node(answer->member), std::move(opened).error()});
    }
    std::string why = failures.empty() ? "" : ": " + failures.front().error.message;
    return Error{ErrorKind::unavailable, "no node of epoch " + std::to_string(committee.epoch()) +
                                             " serves the statement of block " + id.hex() + why};
}

Result<BlockRead> Retriever::read(const BlockId& id, const Committee& committee) {
    std::vector<NodeFailure> failures;
    TRY(auto check, statement(id, committee, failures));
    const auto rows = check->header().data_rows;
    Read read(nodes_, health_, clock_, options_, id, committee, std::move(check));
    read.failures = std::move(failures);
    if (!read.fetch(0, rows, rows, false)) return read.too_few();
    BlockRead out;
    TRY(out.content, read.recover());
    read.report(out);
    return out;
}

Result<BlockRead> Retriever::read_range(const BlockId& id, const Committee& committee,
                                        std::uint64_t offset, std::uint64_t size) {
    std::vector<NodeFailure> failures;
    TRY(auto check, statement(id, committee, failures));
    const auto header = check->header();
    if (offset > header.length || size > header.length - offset)
        return Error{ErrorKind::invalid_argument,
                     "block " + id.hex() + " ends at byte " + std::to_string(header.length)};
    const auto first = static_cast<std::uint32_t>(offset / header.row_size);
    const auto end =
        static_cast<std::uint32_t>((offset + size + header.row_size - 1) / header.row_size);
    Read read(nodes_, health_, clock_, options_, id, committee, std::move(check));
    read.failures = std::move(failures);
    BlockRead out;
    if (end <= first || read.fetch(first, end, end - first, true)) {
        out.content.reserve(size);
        for (auto row = first; row < end; ++row) {
            const auto begin = row == first ? offset % header.row_size : 0;
            const auto bytes = read.row(row).subspan(begin);
            const auto part = bytes.first(std::min(bytes.size(), size - out.content.size()));
            out.content.insert(out.content.end(), part.begin(), part.end());
        }
    } else {
        const std::lock_guard lock(whole_);
        if (!read.fetch(0, header.data_rows, header.data_rows, false)) return read.too_few();
        TRY(auto whole, read.recover());
        const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(offset);
        out.content.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    }
    read.report(out);
    return out;
}

}  // namespace mutirao::publish
