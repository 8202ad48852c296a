// For tests: a thread for every task that is posted, joined at the end.
#pragma once

#include <thread>
#include <vector>

#include "base/ports.hpp"

namespace mutirao {

class ThreadExecutor final : public Executor {
  public:
    ~ThreadExecutor() override {
        for (auto& thread : threads_) thread.join();
    }
    void post(std::function<void()> task) override { threads_.emplace_back(std::move(task)); }

  private:
    std::vector<std::thread> threads_;
};

}  // namespace mutirao
