// Result<T>: a value or an Error. Expected failures travel in it; exceptions end in the adapter
// that calls the throwing library. Thread-safety is that of T.
#pragma once

#include <optional>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/ensure.hpp"
#include "base/error.hpp"

namespace mutirao {

template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Error error) : value_(tl::unexpected<Error>(std::move(error))) {}

    bool ok() const { return value_.has_value(); }
    explicit operator bool() const { return ok(); }

    // Reading the value of a failed Result is a broken assumption and stops the process.
    T& value() & {
        ENSURE(ok(), value_.error().message);
        return *value_;
    }
    const T& value() const& {
        ENSURE(ok(), value_.error().message);
        return *value_;
    }
    T value() && {  // by value: `for (x : f().value())` must not dangle
        ENSURE(ok(), value_.error().message);
        return std::move(*value_);
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& { return value_.error(); }
    Error&& error() && { return std::move(value_.error()); }

  private:
    tl::expected<T, Error> value_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }

  private:
    std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace mutirao

#define MUTIRAO_JOIN_(a, b) a##b
#define MUTIRAO_JOIN(a, b) MUTIRAO_JOIN_(a, b)
#define MUTIRAO_TRY_(name, var, expr)                                 \
    auto name = (expr);                                               \
    if (!name.ok()) return ::mutirao::Error(std::move(name).error()); \
    var = std::move(name).value()

// TRY(auto x, f()): x is f()'s value, or the enclosing function returns f()'s error.
#define TRY(var, ...) MUTIRAO_TRY_(MUTIRAO_JOIN(try_result_, __LINE__), var, (__VA_ARGS__))

// TRY_VOID(f()): goes on when f() succeeded, else the enclosing function returns f()'s error.
#define TRY_VOID(...)                                               \
    do {                                                            \
        if (auto try_status = (__VA_ARGS__); !try_status.ok())      \
            return ::mutirao::Error(std::move(try_status).error()); \
    } while (false)
