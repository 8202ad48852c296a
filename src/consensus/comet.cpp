#include "consensus/comet.hpp"

#include <deque>
#include <mutex>

#include "base/log.hpp"
#include "consensus/abci_messages.hpp"
#include "consensus/chain.hpp"
#include "consensus/comet_snapshots.hpp"
#include "consensus/waiting.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::uint32_t kException = 1;  // of Response; others are one more than their request's
constexpr std::uint32_t kRefused = 1;    // a code
constexpr std::uint32_t kRetry = 32'000;
constexpr std::size_t kListOverhead = 5;  // bytes beside each transaction of a proposal, at most
// Whoever was not connected when others were told of a transaction is told later, and so is whoever
// is connected to some validators only: what came from others is not passed on at once, because in
// a full mesh all have it.
constexpr std::uint64_t kTellAgainEvery = 16;  // blocks
constexpr std::uint64_t kAccept = 1, kReject = 2;

class CometEngine final : public Engine {
  public:
    CometEngine(Disk& disk, Application& application, EngineOptions options)
        : application_(application),
          options_(std::move(options)),
          chain_(disk, application, options_),
          snapshots_(disk, chain_, application),
          waiting_(application) {}

    Status open() {
        const std::lock_guard lock(mutex_);
        return chain_.open();
    }
    Status submit(ByteSpan transaction) override {
        const std::lock_guard lock(mutex_);
        TRY(auto fresh, take(transaction));
        if (fresh) to_tell_.push_back(to_bytes(transaction));
        // Without "app" as CometBFT's mempool nobody asks for them.
        if (to_tell_.size() > kWaitingMax) to_tell_.pop_front();
        return {};
    }
    bool is_waiting(ByteSpan transaction) const override {
        const std::lock_guard lock(mutex_);
        return waiting_.contains(transaction);
    }
    Result<bool> make_block(bool) override {
        const std::lock_guard lock(mutex_);
        if (failed_) return stopped();
        return std::exchange(block_came_, false);
    }
    std::uint64_t bytes_carried() const override {
        const std::lock_guard lock(mutex_);
        return chain_.bytes_carried();
    }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const override {
        const std::lock_guard lock(mutex_);
        return chain_.blocks(from, limit);
    }
    void change_application(const std::function<void()>& change) override {
        const std::lock_guard lock(mutex_);
        change();
    }
    std::uint64_t opened_at() const override { return chain_.opened_at(); }
    Status read_history(const EachHistoryPart& each) const override {
        return chain_.read_history(each);
    }
    Status read_blocks(std::uint64_t from, const EachBlock& each) const override {
        return chain_.read_blocks(from, each);
    }
    void with_application(const std::function<void(const Application&)>& look) const override {
        const std::lock_guard lock(mutex_);
        look(application_);
    }
    Conversation converse() override {
        return [this, frames = std::make_shared<AbciFrames>()](ByteSpan bytes) {
            return talk(*frames, bytes);
        };
    }

  private:
    static Error stopped() {
        return {ErrorKind::unavailable, "the ledger has stopped after a disk error; restart it"};
    }
    Result<Bytes> talk(AbciFrames& frames, ByteSpan bytes);
    Result<Bytes> respond(ByteSpan request);
    Result<Bytes> call_prepared(AbciCall call, ByteSpan body);
    Result<Bytes> call(AbciCall call, ByteSpan body);
    Result<bool> take(ByteSpan transaction);

    Bytes info() const;
    Result<Bytes> init_chain(ByteSpan body);
    Result<Bytes> query(ByteSpan body) const;
    Result<Bytes> check(ByteSpan body);
    Result<Bytes> insert(ByteSpan body);
    Result<Bytes> reap(ByteSpan body);
    Result<Bytes> prepare(ByteSpan body);
    Result<Bytes> process(ByteSpan body);
    Result<Bytes> finalize(ByteSpan body);
    Result<Bytes> commit();

    Application& application_;
    const EngineOptions options_;

    // Guards everything below, and the application, but for what chain_ reads from the disk.
    mutable std::mutex mutex_;
    Chain chain_;
    CometSnapshots snapshots_;
    Waiting waiting_;
    std::deque<Bytes> to_tell_;     // others have not been told of these transactions
    std::optional<Block> decided_;  // finalized, not committed
    bool block_came_ = false;
    bool failed_ = false;
};

Result<Bytes> CometEngine::talk(AbciFrames& frames, ByteSpan bytes) {
    frames.feed(bytes);
    Bytes out;
    for (;;) {
        TRY(auto request, frames.next());
        if (!request) return out;
        TRY(auto response, respond(*request));
        const auto framed = abci_frame(response);
        out.insert(out.end(), framed.begin(), framed.end());
    }
}

Result<Bytes> CometEngine::respond(ByteSpan request) {
    std::uint32_t number = 0;
    ByteSpan body;
    TRY_VOID(each_field(request, [&](const WireField& field) {
        number = field.number;
        body = field.bytes;
    }));
    const auto which = static_cast<AbciCall>(number);
    auto answer = call_prepared(which, body);
    if (answer.ok()) return WireWriter().element(number + 1, *answer).take();
    LOG_WARN("CometBFT was refused: " + answer.error().message);
    const auto exception = WireWriter().text(1, answer.error().message).take();
    return WireWriter().element(kException, exception).take();
}

Result<Bytes> CometEngine::call_prepared(AbciCall which, ByteSpan body) {
    // Beside what other connections ask: others may need this ledger while it waits for them.
    if (const auto brought = transactions_in(which, body); !brought.empty()) {
        application_.prepare(brought);
        if (which == AbciCall::finalize_block) TRY_VOID(application_.await(brought));
    }
    const std::lock_guard lock(mutex_);
    return call(which, body);
}

Result<Bytes> CometEngine::call(AbciCall call, ByteSpan body) {
    if (failed_) return stopped();
    switch (call) {
        case AbciCall::echo: {
            TRY(auto message, bytes_field(body, 1));
            return WireWriter().bytes(1, message).take();
        }
        case AbciCall::flush: return Bytes();
        case AbciCall::info: return info();
        case AbciCall::init_chain: return init_chain(body);
        case AbciCall::query: return query(body);
        case AbciCall::check_tx: return check(body);
        case AbciCall::commit: return commit();
        case AbciCall::list_snapshots: return snapshots_.list();
        case AbciCall::offer_snapshot: return snapshots_.offer(body);
        case AbciCall::load_snapshot_chunk: return snapshots_.load(body);
        case AbciCall::apply_snapshot_chunk: return snapshots_.apply(body);
        case AbciCall::prepare_proposal: return prepare(body);
        case AbciCall::process_proposal: return process(body);
        case AbciCall::extend_vote: return Bytes();  // votes carry nothing of ours
        case AbciCall::verify_vote_extension: {
            TRY(auto extension, bytes_field(body, 4));
            return WireWriter().number(1, extension.empty() ? kAccept : kReject).take();
        }
        case AbciCall::finalize_block: return finalize(body);
        case AbciCall::insert_tx: return insert(body);
        case AbciCall::reap_txs: return reap(body);
    }
    return Error{ErrorKind::unimplemented, "this ledger does not know ABCI request " +
                                               std::to_string(static_cast<std::uint32_t>(call)) +
                                               "; use CometBFT v0.38 or v0.40"};
}

// Until its first block CometBFT is told of none, so that it begins with InitChain, after an
// imported state too.
Bytes CometEngine::info() const {
    WireWriter out;
    out.text(1, "mutirao").number(3, 1);
    if (application_.height() >= chain_.first_height())
        out.number(4, application_.height()).bytes(5, application_.state_hash().span());
    return out.take();
}

// The genesis that CometBFT was given names our state, so that two networks are not mixed.
Result<Bytes> CometEngine::init_chain(ByteSpan body) {
    TRY(auto app_state, bytes_field(body, 5));
    TRY(auto first, number_field(body, 6));
    const auto next = application_.height() + 1;
    if (next != chain_.first_height() || std::max<std::uint64_t>(first, 1) != next)
        return Error{ErrorKind::invalid_argument,
                     "CometBFT begins a chain at block " + std::to_string(first) +
                         ", but this ledger goes on with block " + std::to_string(next) +
                         "; their data folders do not belong together"};
    const auto hash = application_.state_hash();
    if (as_text(app_state).find(hash.hex()) == std::string_view::npos)
        return Error{ErrorKind::invalid_argument,
                     "app_state in CometBFT's genesis.json does not name the state that this "
                     "ledger begins with, " +
                         hash.hex()};
    return WireWriter().bytes(3, hash.span()).take();
}

Result<Bytes> CometEngine::query(ByteSpan body) const {
    TRY(auto key, bytes_field(body, 1));
    WireWriter out;
    if (auto value = application_.record(key); value.ok() && *value)
        out.bytes(6, key).bytes(7, **value);
    else
        out.number(1, kRefused).text(3, value.ok() ? "no such record" : value.error().message);
    return out.number(9, application_.height()).take();
}

Result<Bytes> CometEngine::check(ByteSpan body) {
    TRY(auto transaction, bytes_field(body, 1));
    const auto checked = application_.check(transaction);
    if (checked.ok()) return Bytes();
    return WireWriter().number(1, kRefused).text(3, checked.error().message).take();
}

// Whether it is new.
Result<bool> CometEngine::take(ByteSpan transaction) {
    if (failed_) return stopped();
    if (transaction.size() > kTransactionMax)
        return Error{ErrorKind::invalid_argument,
                     "a transaction has at most " + std::to_string(kTransactionMax) + " bytes"};
    return waiting_.add(transaction);
}

Result<Bytes> CometEngine::insert(ByteSpan body) {
    TRY(auto transaction, bytes_field(body, 1));
    const auto taken = take(transaction);
    if (taken.ok()) return Bytes();
    const bool full = taken.error().kind == ErrorKind::resource_exhausted;
    return WireWriter().number(1, full ? kRetry : kRefused).take();
}

Result<Bytes> CometEngine::reap(ByteSpan body) {
    TRY(auto limit, number_field(body, 1));
    WireWriter out;
    std::uint64_t bytes = 0;
    while (!to_tell_.empty()) {
        const auto& next = to_tell_.front();
        bytes += next.size();
        if (limit != 0 && bytes > limit) break;
        if (waiting_.contains(next)) out.element(1, next);
        to_tell_.pop_front();
    }
    return out.take();
}

Result<Bytes> CometEngine::prepare(ByteSpan body) {
    TRY(auto limit, number_field(body, 1));
    const auto overhead = kListOverhead * waiting_.all().size();
    const auto room =
        std::min<std::size_t>(kBlockBytesMax, limit > overhead ? limit - overhead : 0);
    WireWriter out;
    for (const auto& transaction : application_.propose(waiting_.all(), room))
        out.element(1, transaction);
    return out.take();
}

// By the block and the committed state alone, so that all honest validators say the same.
Result<Bytes> CometEngine::process(ByteSpan body) {
    auto proposal = read_proposal(body);
    bool good = proposal.ok() && proposal->height == application_.height() + 1 &&
                proposal->transactions.size() <= kBlockTransactionsMax;
    if (good) {
        for (const auto& transaction : proposal->transactions)
            good = good && transaction.size() <= kTransactionMax;
        // Nobody fills blocks with what cannot run.
        good = good && application_.propose(proposal->transactions, kBlockBytesMax) ==
                           proposal->transactions;
    }
    return WireWriter().number(1, good ? kAccept : kReject).take();
}

Result<Bytes> CometEngine::finalize(ByteSpan body) {
    TRY(auto proposal, read_proposal(body));
    if (proposal.height != application_.height() + 1)
        return Error{ErrorKind::invalid_argument,
                     "CometBFT decided block " + std::to_string(proposal.height) +
                         ", but this ledger is at block " + std::to_string(application_.height()) +
                         "; restore the data folders of both from one copy"};
    const auto count = proposal.transactions.size();
    for (const auto& fault : proposal.faults) {
        LOG_WARN("block " + std::to_string(proposal.height) + " proves that " + fault.sentence());
        proposal.transactions.push_back(fault.encode());
    }
    // Time never goes back here even if CometBFT's genesis is older than ours.
    auto block = chain_.next(proposal.time_ms, std::move(proposal.transactions));
    TRY(const auto hash, chain_.finalize(block));
    decided_ = std::move(block);
    WireWriter out;
    for (std::size_t i = 0; i < count; ++i) out.element(2, {});  // code 0
    for (const auto& [key, power] : application_.validator_updates()) {
        const auto public_key = WireWriter().bytes(1, key).take();  // of Ed25519
        out.element(3, WireWriter().element(1, public_key).number(2, power).take());
    }
    return out.bytes(5, hash.span()).take();
}

Result<Bytes> CometEngine::commit() {
    if (!decided_) return Error{ErrorKind::invalid_argument, "CometBFT commits before a block"};
    const auto block = std::move(*std::exchange(decided_, std::nullopt));
    const auto done = [&]() -> Status {
        TRY_VOID(chain_.append(block));
        TRY_VOID(chain_.sync());
        return application_.commit();
    }();
    if (!done.ok()) {
        failed_ = true;  // the log may hold a block that memory does not: only a restart is safe
        return done.error();
    }
    chain_.at("after_commit");
    waiting_.forget(block.transactions);
    if (block.height % kTellAgainEvery == 0)
        to_tell_.assign(waiting_.all().begin(), waiting_.all().end());
    chain_.finished(block);
    block_came_ = true;
    WireWriter out;
    // Machines that join later begin at a snapshot.
    if (const auto kept = chain_.kept_from(); kept > 1) out.number(3, kept);  // retain_height
    return out.take();
}

}  // namespace

Result<std::unique_ptr<Engine>> open_comet(Disk& disk, Application& application,
                                           EngineOptions options) {
    auto engine = std::make_unique<CometEngine>(disk, application, std::move(options));
    TRY_VOID(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace mutirao::consensus
