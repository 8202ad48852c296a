// What checkpoints of others say of their data, and data for them: the names of classes, the pieces
// of a tokenizer, a table's schema. All is read into whole examples, or gives a sentence.
#include "base/codec.hpp"
#include "base/ensure.hpp"
#include "dataset/prepare.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    Reader in({data, size});
    const auto choice = in.u<std::uint8_t>();
    if (!choice.ok()) return 0;
    const model::ModelConfig kinds[] = {
        model::GptConfig{1, 32, 2, 8, 300}, model::ImageConfig{5, 4, 1, 3, 4, 8},
        model::TabularConfig{3, 1, 4, 1}, model::TabularConfig{3, 3, 4, 1}};
    const auto& config = kinds[*choice % 4];
    const auto preparation = in.blob(size);
    if (!preparation.ok()) return 0;
    if (const auto names = dataset::class_names(*preparation); names.ok())
        ENSURE(names->size() <= model::kClassesMax);
    const ByteSpan rest = *in.raw(in.remaining());
    const ByteSpan owners[] = {rest.first(rest.size() / 2), rest.subspan(rest.size() / 2)};
    const auto item = config.example().item_size;
    const auto prepared = dataset::prepare(config, owners, *preparation);
    if (prepared.ok())
        for (const auto& examples : prepared->examples) {
            ENSURE(examples.size() % item == 0, "a part of an example");
            if (examples.size() >= config.example().size())
                (void)dataset::loss_per_byte(config, prepared->preparation,
                                             ByteSpan(examples).first(config.example().size()), 1)
                    .ok();
        }
    if (const auto* image = config.image()) {
        auto learnt = to_bytes(*preparation);
        (void)dataset::pictures_begin(*image, 0, rest, rest.size(), learnt).ok();
    }
    return 0;
}
