#include "publish/retriever.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace mutirao::publish {
namespace {

using RowsByMember = std::map<std::uint32_t, std::vector<std::uint32_t>>;  // member -> row indexes

class Read {
  public:
    Read(StorageCalls& nodes, Executor& executor, const BlockId& id, const Committee& committee,
         block::StatementCheck check)
        : nodes_(nodes),
          executor_(executor),
          id_(id),
          committee_(committee),
          check_(std::move(check)) {}

    // Asks every member for its rows at once and waits for all answers. A member that fails, or
    // serves one bad row, is not asked again.
    void fetch(const RowsByMember& wanted);

    // Data rows not yet here, by the member that holds them.
    RowsByMember missing_data_rows() const;
    // Up to `count` rows never asked for, spread over the members that still answer.
    RowsByMember spare_rows(std::uint32_t count) const;

    std::uint32_t rows_needed() const { return check_.header().data_rows; }
    std::uint32_t rows_here() const { return static_cast<std::uint32_t>(rows_.size()); }
    Result<BlockRead> finish();
    Error too_few() const;

    std::vector<NodeFailure> failures;

  private:
    Result<std::vector<ServedSlot>> ask(std::uint32_t member,
                                        std::span<const std::uint32_t> indexes) const;
    void take(std::uint32_t member, Result<std::vector<ServedSlot>> answer);
    std::uint32_t owner(std::uint32_t row) const {
        return committee_.placement->owner(id_, check_.order().slot_of(row));
    }

    StorageCalls& nodes_;
    Executor& executor_;
    const BlockId id_;
    const Committee& committee_;
    const block::StatementCheck check_;
    std::map<std::uint32_t, Bytes> rows_;  // verified rows by index
    std::set<std::uint32_t> asked_;        // row indexes
    std::set<std::uint32_t> failed_;       // members
    std::set<std::uint32_t> answered_;     // members
};

Result<std::vector<ServedSlot>> Read::ask(std::uint32_t member,
                                          std::span<const std::uint32_t> indexes) const {
    std::vector<ServedSlot> all;
    const std::size_t rows_a_call =
        std::max<std::size_t>(1, kServedBytesMax / 2 / check_.header().row_size);
    for (std::size_t at = 0; at < indexes.size(); at += rows_a_call) {
        const auto part = indexes.subspan(at, std::min(rows_a_call, indexes.size() - at));
        TRY(auto served, nodes_.rows(committee_.node(member), id_, part));
        for (auto& slot : served) {
            std::vector<coding::Row> rows;
            for (const auto& [index, bytes] : slot.rows) rows.push_back({index, bytes});
            TRY_VOID(check_.check_rows(slot.slot, slot.digests, rows));
            all.push_back(std::move(slot));
        }
    }
    return all;
}

void Read::take(std::uint32_t member, Result<std::vector<ServedSlot>> answer) {
    if (!answer.ok()) {
        failed_.insert(member);
        failures.push_back({committee_.node(member), std::move(answer).error()});
        return;
    }
    answered_.insert(member);
    for (auto& slot : *answer)
        for (auto& [index, bytes] : slot.rows) rows_.emplace(index, std::move(bytes));
}

void Read::fetch(const RowsByMember& wanted) {
    struct Answers {
        std::mutex mutex;  // guards the fields below
        std::condition_variable changed;
        std::map<std::uint32_t, Result<std::vector<ServedSlot>>> by_member;
    } answers;
    for (const auto& [member, indexes] : wanted) {
        asked_.insert(indexes.begin(), indexes.end());
        executor_.post([this, &answers, member = member, &indexes = indexes] {
            auto answer = ask(member, indexes);
            const std::lock_guard lock(answers.mutex);
            answers.by_member.emplace(member, std::move(answer));
            answers.changed.notify_all();
        });
    }
    std::unique_lock lock(answers.mutex);
    answers.changed.wait(lock, [&] { return answers.by_member.size() == wanted.size(); });
    for (auto& [member, answer] : answers.by_member) take(member, std::move(answer));
}

RowsByMember Read::missing_data_rows() const {
    RowsByMember wanted;
    for (std::uint32_t row = 0; row < check_.header().data_rows; ++row)
        if (!rows_.contains(row)) wanted[owner(row)].push_back(row);
    return wanted;
}

RowsByMember Read::spare_rows(std::uint32_t count) const {
    RowsByMember wanted;
    for (std::uint32_t row = 0; row < check_.header().rows && count > 0; ++row) {
        if (asked_.contains(row) || failed_.contains(owner(row))) continue;
        wanted[owner(row)].push_back(row);
        --count;
    }
    return wanted;
}

Error Read::too_few() const {
    std::string message =
        "block " + id_.hex() + " cannot be read now: " + std::to_string(rows_here()) +
        " good fragments of the " + std::to_string(rows_needed()) + " needed, from " +
        std::to_string(answered_.size()) + " of " + std::to_string(committee_.size()) + " nodes";
    if (!failures.empty()) message += "; the first failure: " + failures.front().error.message;
    return Error{ErrorKind::unavailable, std::move(message)};
}

Result<BlockRead> Read::finish() {
    std::vector<coding::Row> rows;
    BlockRead out;
    for (const auto& [index, bytes] : rows_) {
        if (rows.size() == rows_needed()) break;
        rows.push_back({index, bytes});
        ++(index < rows_needed() ? out.data_rows_used : out.parity_rows_used);
    }
    TRY(out.content, block::recover_content(check_, rows));
    out.header = check_.header();
    out.nodes_answered = static_cast<std::uint32_t>(answered_.size());
    out.failures = std::move(failures);
    return out;
}

// The statement from the first member that serves the right one.
Result<block::StatementCheck> fetch_statement(StorageCalls& nodes, const BlockId& id,
                                              const Committee& committee,
                                              std::vector<NodeFailure>& failures) {
    for (std::uint32_t member = 0; member < committee.size(); ++member) {
        auto opened = [&]() -> Result<block::StatementCheck> {
            TRY(auto bytes, nodes.statement(committee.node(member), id));
            TRY(auto statement, block::Statement::decode(bytes));
            return block::StatementCheck::open(id, std::move(statement));
        }();
        if (opened.ok()) return opened;
        failures.push_back({committee.node(member), std::move(opened).error()});
    }
    std::string why = failures.empty() ? "" : ": " + failures.front().error.message;
    return Error{ErrorKind::unavailable, "no node of epoch " + std::to_string(committee.epoch()) +
                                             " serves the statement of block " + id.hex() + why};
}

}  // namespace

Result<BlockRead> Retriever::read(const BlockId& id, const Committee& committee) {
    std::vector<NodeFailure> failures;
    TRY(auto check, fetch_statement(nodes_, id, committee, failures));
    Read read(nodes_, executor_, id, committee, std::move(check));
    read.failures = std::move(failures);
    read.fetch(read.missing_data_rows());
    while (read.rows_here() < read.rows_needed()) {
        const auto wanted = read.spare_rows(read.rows_needed() - read.rows_here());
        if (wanted.empty()) return read.too_few();
        read.fetch(wanted);
    }
    return read.finish();
}

}  // namespace mutirao::publish
