#include "model/start.hpp"

namespace mutirao::model {

Result<Start> start_training(Backend& backend, const StartSettings& settings,
                             const Checkpoint* base) {
    if (settings.lora && !base)
        return Error{ErrorKind::invalid_argument,
                     "adapters need the checkpoint that they are to adapt"};
    if (base && base->adapter)
        return Error{ErrorKind::invalid_argument,
                     "the base is itself an adapter: merge it into its base first"};
    if (base && base->config != settings.config)
        return Error{ErrorKind::invalid_argument,
                     "the base's model is not of the shape that the settings name"};
    TRY_VOID(settings.config.validate());
    Start start;
    start.parameters = base ? base->parameters : initial_parameters(settings.config, settings.seed);
    start.layout = parameter_layout(settings.config);
    TRY(start.model, backend.create(settings.config, settings.optimizer, start.parameters));
    if (!settings.lora) return start;

    const auto* gpt = settings.config.gpt();
    if (!gpt) return Error{ErrorKind::unimplemented, "only a GPT has adapters: train it whole"};
    TRY_VOID(settings.lora->validate());
    start.parameters = initial_adapters(*gpt, *settings.lora, settings.seed);
    start.layout = lora_layout(*gpt, *settings.lora);
    TRY(start.model,
        adapt(std::move(start.model), *settings.lora, settings.optimizer, start.parameters));
    return start;
}

}  // namespace mutirao::model
