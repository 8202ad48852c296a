// The inner loops of the nano backend that are no matrix product, in three forms: vectors of 4
// floats (portable), of 8 (AVX2) and of 16 (AVX-512). The best one that this CPU has is chosen
// once. The forms agree to a few units in the last place, not bit for bit; each one alone gives the
// same bits every time.
//
// Every pointer is to `size` floats; nothing needs alignment, nothing may overlap unless it says
// so. exp() is accurate to 2 ulp. Internal to model/nano.
#pragma once

#include <cstddef>
#include <vector>

namespace mutirao::model::nano {

// One AdamW update, bias corrections folded in.
struct AdamStep {
    float beta1, beta2;
    float keep;             // 1 - learning rate * weight decay
    float rate;             // learning rate / (1 - beta1^t)
    float root_correction;  // sqrt(1 - beta2^t)
    float epsilon;
};

struct Kernels {
    const char* name;
    // out = x * r * weight; returns r = 1 / sqrt(mean(x^2) + epsilon).
    float (*rms_norm)(const float* x, const float* weight, float* out, std::size_t size,
                      float epsilon);
    // Adds the gradients of rms_norm's x and weight to dx and dweight.
    void (*rms_norm_backward)(const float* x, const float* weight, float r, const float* dout,
                              float* dx, float* dweight, std::size_t size);
    // row = softmax(scale * row).
    void (*softmax)(float* row, std::size_t size, float scale);
    // d (of the shares) becomes the gradient of what softmax() was given.
    void (*softmax_backward)(const float* shares, float* d, std::size_t size, float scale);
    // out = gate * sigmoid(gate) * up.
    void (*swiglu)(const float* gate, const float* up, float* out, std::size_t size);
    void (*swiglu_backward)(const float* gate, const float* up, const float* dout, float* dgate,
                            float* dup, std::size_t size);
    // Turns the pairs (x[i], x[i + size]) by the angles' cosines and sines.
    void (*rotate)(float* x, const float* cosines, const float* sines, std::size_t size);
    void (*rotate_back)(float* x, const float* cosines, const float* sines, std::size_t size);
    // Returns the cross-entropy of `answer`, in nats; scores become scale times its gradient.
    float (*cross_entropy)(float* scores, std::size_t size, std::size_t answer, float scale);
    // x += y.
    void (*add)(float* x, const float* y, std::size_t size);
    double (*square_sum)(const float* x, std::size_t size);
    // m = mu * m + scale * g; out = scale * g + mu * m.
    void (*nesterov)(float* m, const float* g, float scale, float mu, float* out, std::size_t size);
    // x = keep * x - rate * y.
    void (*decay_subtract)(float* x, const float* y, float keep, float rate, std::size_t size);
    // `scale` multiplies the gradient g first.
    void (*adamw)(float* x, float* m, float* v, const float* g, float scale, const AdamStep& step,
                  std::size_t size);
};

const Kernels& best_kernels();
// Those that run on this CPU; the portable one first, the best last.
std::vector<const Kernels*> available_kernels();

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace mutirao::model::nano
