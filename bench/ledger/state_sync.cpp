#include "ledger/state_sync.hpp"

#include <chrono>
#include <thread>

#include "consensus/abci_messages.hpp"
#include "consensus/chain.hpp"
#include "node/ledger_role.hpp"
#include "os/clock.hpp"
#include "os/disk.hpp"
#include "os/thread_pool.hpp"

namespace mutirao::bench {
namespace {

using consensus::AbciCall;
using consensus::each_field;
using consensus::WireField;
using consensus::WireWriter;
using std::chrono::steady_clock;

constexpr std::uint64_t kAccepted = 1;     // an offer, or a piece
constexpr std::size_t kTransactions = 64;  // of the block that makes the first snapshot

double ms_since(steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

// A ledger that is asked as CometBFT asks it.
class Asked {
  public:
    // Begins at the chain's genesis, or goes on after the snapshot in the folder.
    static Result<std::unique_ptr<Asked>> open(const std::filesystem::path& folder,
                                               const Chain& chain, ByteSpan state) {
        TRY(auto disk, os::PosixDisk::open_folder(folder.string()));
        if (!state.empty()) TRY_VOID(consensus::store_snapshot(*disk, {0, {}, to_bytes(state)}));
        TRY(auto ledger, mutirao::ledger::Ledger::begin(chain.genesis()));
        std::unique_ptr<Asked> out(new Asked(std::move(disk), std::move(ledger)));
        consensus::EngineOptions options;
        options.engine = "cometbft";
        options.proposer = crypto::BlsSecretKey::generate(Bytes(32, 1)).value();
        options.snapshot_every = 1;
        TRY(out->engine_, consensus::open_engine(*out->disk_, out->clock_, out->application_,
                                                 std::move(options)));
        out->talk_ = out->engine_->converse();
        return out;
    }

    // The body of the answer.
    Result<Bytes> ask(AbciCall call, ByteSpan body = {}) {
        const auto number = static_cast<std::uint32_t>(call);
        const auto request = consensus::abci_frame(WireWriter().element(number, body).take());
        TRY(const auto answer, talk_(request));
        consensus::AbciFrames frames;
        frames.feed(answer);
        TRY(const auto response, frames.next());
        if (!response) return Error{ErrorKind::corrupt, "half an answer"};
        std::uint32_t answered = 0;
        Bytes out;
        TRY_VOID(each_field(*response, [&](const WireField& field) {
            answered = field.number;
            out = to_bytes(field.bytes);
        }));
        if (answered != number + 1)
            return Error{ErrorKind::unavailable,
                         "ABCI request " + std::to_string(number) + " was refused"};
        return out;
    }
    const node::LedgerApplication& application() const { return application_; }

  private:
    Asked(std::unique_ptr<os::PosixDisk> disk, mutirao::ledger::Ledger ledger)
        : disk_(std::move(disk)), application_(std::move(ledger), {&pool_, kCores}) {}

    static inline const unsigned kCores = std::max(1u, std::thread::hardware_concurrency());
    std::unique_ptr<os::PosixDisk> disk_;
    os::SystemClock clock_;
    os::ThreadPool pool_{kCores, 64};
    node::LedgerApplication application_;
    std::unique_ptr<consensus::Engine> engine_;
    consensus::Conversation talk_;
};

// The first block; its snapshot is what is offered.
Status make_block(Asked& ledger, const Chain& chain) {
    const auto state = "{\"state_hash\":\"" + ledger.application().state_hash().hex() + "\"}";
    TRY_VOID(ledger.ask(AbciCall::init_chain, WireWriter().text(5, state).number(6, 1).take()));
    WireWriter block;
    for (const auto& raw : chain.sign_probe(0, kTransactions)) block.element(1, raw);
    const auto time = WireWriter().number(1, os::SystemClock().unix_ms() / 1000).take();
    TRY_VOID(ledger.ask(AbciCall::finalize_block, block.number(5, 1).element(6, time).take()));
    TRY_VOID(ledger.ask(AbciCall::commit));
    return {};
}

Status want_accepted(ByteSpan answer, const std::string& what) {
    TRY(const auto outcome, consensus::number_field(answer, 1));
    if (outcome == kAccepted) return {};
    return Error{ErrorKind::unavailable, what + " was answered by " + std::to_string(outcome)};
}

Status move_piece(Asked& from, Asked& to, std::uint64_t height, std::uint64_t format,
                  std::size_t index, std::uint64_t& bytes) {
    const auto request = WireWriter().number(1, height).number(2, format).number(3, index).take();
    TRY(const auto loaded, from.ask(AbciCall::load_snapshot_chunk, request));
    TRY(const auto piece, consensus::bytes_field(loaded, 1));
    bytes += piece.size();
    TRY(const auto taken, to.ask(AbciCall::apply_snapshot_chunk,
                                 WireWriter().number(1, index).bytes(2, piece).take()));
    return want_accepted(taken, "piece " + std::to_string(index));
}

}  // namespace

Result<StateSync> sync_state(const Chain& chain, const std::filesystem::path& folder) {
    TRY(const auto from, Asked::open(folder / "has", chain, chain.state()));
    TRY(const auto to, Asked::open(folder / "joins", chain, {}));
    TRY_VOID(make_block(*from, chain));
    StateSync out;
    auto begin = steady_clock::now();
    TRY(const auto listed, from->ask(AbciCall::list_snapshots));
    out.prepare_ms = ms_since(begin);
    TRY(const auto snapshot, consensus::bytes_field(listed, 1));
    TRY(const auto height, consensus::number_field(snapshot, 1));
    TRY(const auto format, consensus::number_field(snapshot, 2));
    TRY(out.pieces, consensus::number_field(snapshot, 3));
    if (out.pieces == 0) return Error{ErrorKind::not_found, "no snapshot is offered"};
    const auto state = from->application().state_hash();
    begin = steady_clock::now();
    TRY(const auto offered, to->ask(AbciCall::offer_snapshot,
                                    WireWriter().bytes(1, snapshot).bytes(2, state.span()).take()));
    TRY_VOID(want_accepted(offered, "the offer"));
    for (std::size_t i = 0; i + 1 < out.pieces; ++i)
        TRY_VOID(move_piece(*from, *to, height, format, i, out.bytes));
    out.pieces_ms = ms_since(begin);
    begin = steady_clock::now();
    TRY_VOID(move_piece(*from, *to, height, format, out.pieces - 1, out.bytes));
    out.last_ms = ms_since(begin);
    if (to->application().state_hash() != state)
        return Error{ErrorKind::corrupt, "the fresh ledger came to another state"};
    return out;
}

}  // namespace mutirao::bench
