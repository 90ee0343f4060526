// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store in memory, as several processes see it.

#include <coffer/store/memory.hpp>

#include "store/store_world.hpp"

#include <cstddef>
#include <vector>

namespace store_test {

class memory_world final : public world {
public:
    memory_world() : processes_{coffer::memory_store{}} {}
    explicit memory_world(coffer::memory_options o) : processes_{coffer::memory_store{o}} {}

    coffer::store& process(int i) override {
        while (static_cast<int>(processes_.size()) <= i) processes_.push_back(processes_[0].another_process());
        return processes_[static_cast<std::size_t>(i)];
    }
    void kill(int i) override { processes_.at(static_cast<std::size_t>(i)).declare_dead(); }
    coffer::store second_handle() override { return processes_[0]; }

private:
    std::vector<coffer::memory_store> processes_;
};

}  // namespace store_test
