// The secure sums of a run's rounds at one worker, without I/O: events in, messages out.
//
// A round's sum needs all who mask to mean the same workers. So they agree (agreement.hpp) three
// times, beside the local steps: on whose keys the round has, on who shared with all of these, and
// on who could open what; those who can open one another's boxes are its roster (mutual()). Whoever
// is on it masks its values and sends them as its payload; the agreement on payloads, outside of
// this class, says whose came; then everybody on the roster opens what takes the masks off, and
// from `threshold` such reveals everybody computes the sum.
//
//     begin(round)  -> keys -> (agreed) -> shares -> (agreed) -> opened -> (agreed: roster())
//     mask(round)   -> a payload; came(round) -> reveal -> transcript(), once it is enough
//
// A worker may leave anywhere: before the roster it is not in the sum; after that its values count
// if they came, and the others take its masks off. All secrets of a round follow from one key, so
// that a worker that kept it goes on after a crash.
//
// Whoever shares what is not its secret is found by each that it does so to, and is left out as if
// its boxes did not open. One thread at a time. Cost: see secure_sum.hpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.hpp"
#include "train/agreement.hpp"

namespace mutirao::train {

class SumRounds {
  public:
    struct Settings {
        RunId run{};
        std::uint32_t worker = 0;
        std::uint32_t workers = 0;
        std::uint32_t threshold = 0;
        std::uint32_t summed = 0;                                // SumSettings'
        std::uint32_t round = 0;                                 // where this worker begins
        std::function<std::size_t(std::uint32_t round)> values;  // of each payload of the round
    };
    SumRounds(Settings settings, const Patience& patience, Duration now);

    // After a restart, before any event: what this worker said and kept of sums.
    void recall(const Message& message);
    // Whether a message is of a sum, and so goes to receive(); others do not.
    static bool concerns(const Message& message);
    // Whether a worker that votes must have kept it.
    static bool must_be_kept(const Message& message);

    // As Agreement::go_to(). begin() then says this worker's keys of a round, all of whose secrets
    // follow from `secret`: a fresh key, or the one kept from before a crash.
    Messages go_to(std::uint32_t round, Duration now);
    Messages begin(std::uint32_t round, const crypto::Key& secret, Duration now);
    Messages receive(const Message& message, Duration now);
    Messages tick(Duration now);
    void heard(std::uint32_t worker, Duration now);
    void leave_out(std::uint32_t worker);
    void set_patience(const Patience& patience);

    // The workers whose values may come, ascending, once it is agreed on.
    const std::vector<std::uint32_t>* roster(std::uint32_t round) const;
    // Whether this worker may still be on it, or is.
    bool takes_part(std::uint32_t round) const;
    // Once a round, when roster() is there and this worker on it; else an error that says why not.
    Result<MaskedValues> mask(std::uint32_t round, std::span<const std::uint32_t> values);
    // It is decided whose payloads count. Again is harmless.
    Messages came(std::uint32_t round, const std::vector<std::uint32_t>& workers, Duration now);
    // All that unmasked_sum() needs but the masked values themselves; none while reveals are
    // missing.
    std::shared_ptr<const SumTranscript> transcript(std::uint32_t round) const;
    SumSettings sum_settings(std::uint32_t round) const;

    // What went wrong since the last call, and who did it: sentences for a log.
    std::vector<std::string> complaints() { return std::exchange(complaints_, {}); }

  private:
    // The same bytes again from the same key.
    class KeyRandom;
    struct Round {
        std::shared_ptr<KeyRandom> random;
        std::optional<SecureSum> sum;  // none: this worker has no keys here
        bool is_out = false;           // this worker cannot be on the roster
        bool has_shared = false, has_opened = false;
        std::map<Digest, SumKeys> keys;  // by the digest that their worker says it is ready with
        std::map<Digest, SumShares> shares;
        std::map<Digest, SumOpened> opened;
        std::set<Digest> new_keys, new_shares, new_opened;  // not looked at yet
        std::map<std::uint32_t, SumReveal> reveals;
        std::optional<std::vector<std::uint32_t>> roster, came;
        std::vector<SumShares> roster_shares;
        std::size_t reveals_tried = 0;
        std::shared_ptr<const SumTranscript> transcript;
    };

    bool is_open(std::uint32_t round) const;
    void note(const Message& message);
    void advance(std::uint32_t number, Duration now, Messages& out);
    void check_keys_of(std::uint32_t number, Round& round, Duration now, Messages& out);
    void share(std::uint32_t number, Round& round, Duration now, Messages& out);
    void check_shares(std::uint32_t number, Round& round, Duration now, Messages& out);
    void open(std::uint32_t number, Round& round, Duration now, Messages& out);
    void settle(std::uint32_t number, Round& round);
    void reveal(std::uint32_t number, Round& round, Messages& out);
    void try_reveals(std::uint32_t number, Round& round);
    void complain(std::uint32_t round, const Error& error);

    Settings settings_;
    Agreement keys_, shares_, opened_;
    std::map<std::uint32_t, Round> rounds_;
    std::uint32_t floor_ = 0;
    std::vector<std::string> complaints_;
};

}  // namespace mutirao::train
