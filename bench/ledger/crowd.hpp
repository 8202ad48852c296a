// Very many connections at once, half of them subscribed to heads, that then all vanish without a
// word: what becomes of the ledger, and of a wallet beside them.
#pragma once

#include "ledger/server.hpp"

namespace mutirao::bench {

struct Crowd {
    std::size_t sockets = 0;      // that were opened, and stayed open until they vanished
    std::size_t answered = 0;     // of them: by an answer, or as a WebSocket
    std::size_t turned_away = 0;  // with a word, closed, or left waiting: there is a limit
    std::uint64_t bytes_before = 0, bytes_with = 0, bytes_after = 0;  // resident in the ledger
    std::vector<double> finality_ms;  // of a wallet meanwhile; ascending
    double answer_after_ms = 0;       // the first answer to a newcomer once they have vanished
};

// Opens `count` sockets from several addresses of this machine, as many as this process may; lets
// the wallet send `row` for `lasts` while they stand.
Result<Crowd> stand_in_crowd(const Server& server, std::size_t count, const Sequence& row,
                             Duration lasts);

}  // namespace mutirao::bench
