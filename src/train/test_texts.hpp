// Texts for the tests of this room.
#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"

namespace mutirao::train {

// Sentences of our own from a small grammar, repeatable from a seed.
inline std::string portuguese(std::size_t size, std::uint64_t seed) {
    static const std::vector<std::string> who{"a vizinha", "o agricultor", "a professora",
                                              "o menino",  "a enfermeira", "o mutir\xC3\xA3o"};
    static const std::vector<std::string> does{"planta", "guarda",   "reparte",
                                               "colhe",  "cuida de", "ensina sobre"};
    static const std::vector<std::string> what{"o milho", "as sementes", "o p\xC3\xA3o",
                                               "a horta", "os livros",   "a \xC3\xA1gua da chuva"};
    static const std::vector<std::string> when{"de manh\xC3\xA3", "depois da chuva", "no domingo",
                                               "com a vila toda"};
    SeededRandom random(seed);
    auto one_of = [&](const auto& words) { return words[random.below(words.size())]; };
    std::string text;
    while (text.size() < size)
        text += one_of(who) + " " + one_of(does) + " " + one_of(what) + " " + one_of(when) + ".\n";
    return text;
}

// Nothing to learn from.
inline std::string random_bytes(std::size_t size, std::uint64_t seed) {
    std::string text(size, '\0');
    SeededRandom random(seed);
    for (auto& character : text) character = static_cast<char>(random.below(256));
    return text;
}

}  // namespace mutirao::train
