#include "train/line_worker.hpp"

#include <fstream>
#include <iterator>

#include "model/nano_backend.hpp"

namespace mutirao::bench {

Result<train::Sampler> LineWorker::sampler() const {
    return train::Sampler::make({{text_, 0}}, settings.model.example(), settings.seed);
}

Result<LineWorker> LineWorker::make(const std::vector<std::string>& arguments) {
    constexpr std::size_t kFixed = 4;
    if (arguments.size() <= kFixed)
        return Error{ErrorKind::invalid_argument,
                     "usage: PROGRAM INDEX STEPS SETTINGS TEXT-FILE ADDRESS..."};
    LineWorker out;
    out.index = static_cast<std::uint32_t>(std::stoul(arguments[0]));
    out.steps = static_cast<std::uint32_t>(std::stoul(arguments[1]));
    TRY(const auto bytes, from_hex(arguments[2]));
    Reader in(bytes);
    TRY(out.settings, train::RunSettings::decode(in));
    std::ifstream file(arguments[3], std::ios::binary);
    out.text_.assign((std::istreambuf_iterator<char>(file)), {});
    out.addresses.assign(arguments.begin() + kFixed, arguments.end());
    out.workers = static_cast<std::uint32_t>(out.addresses.size());
    const auto& config = out.settings.model;
    out.initial = model::initial_parameters(config, out.settings.seed);
    TRY(out.model,
        model::make_nano_backend()->create(config, out.settings.optimizer(), out.initial));
    return out;
}

}  // namespace mutirao::bench
