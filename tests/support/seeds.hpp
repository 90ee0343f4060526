// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which seeds the randomised tests try, what they draw from one, and how one that fails is tried again.

#include <gtest/gtest.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

namespace support {

/// COFFER_SEEDS, or `otherwise`; a test whose seeds are dear takes a part of them.
inline std::uint64_t seeds(std::uint64_t part = 1, std::uint64_t otherwise = 5000) {
    auto const* const set = std::getenv("COFFER_SEEDS");
    auto const wanted = set != nullptr ? std::strtoull(set, nullptr, 10) : otherwise;
    return wanted / part > 0 ? wanted / part : 1;
}

/// Is one seed tried alone, COFFER_SEED? Then what all of them together must show cannot be asked for.
inline bool replaying() { return std::getenv("COFFER_SEED") != nullptr; }

/// The command that tries this seed of the running test alone.
inline std::string replay_command(std::uint64_t seed) {
    auto const* const test = testing::UnitTest::GetInstance()->current_test_info();
    std::error_code ignored;
    return "COFFER_SEED=" + std::to_string(seed) + " " +
           std::filesystem::read_symlink("/proc/self/exe", ignored).string() +
           " --gtest_filter=" + test->test_suite_name() + "." + test->name();
}

/// The seeds from 1 to `last`, or COFFER_SEED alone. At the first one that fails, or throws, it stops and prints
/// the command that tries it again.
///
///     for (auto const seed : support::each_seed()) ...
class each_seed {
public:
    explicit each_seed(std::uint64_t last = seeds()) : seed_{first()}, last_{replaying() ? seed_ : last} {}
    each_seed(each_seed const&) = delete;
    each_seed& operator=(each_seed const&) = delete;
    ~each_seed() {
        if (seed_ > last_ || (!testing::Test::HasFailure() && std::uncaught_exceptions() == 0)) return;
        std::cout << "seed " << seed_ << " failed; to try it again:\n    " << replay_command(seed_) << std::endl;
    }

    struct end_of_seeds {};
    class iterator {
    public:
        explicit iterator(each_seed& all) noexcept : all_{&all} {}
        std::uint64_t operator*() const noexcept { return all_->seed_; }
        iterator& operator++() {
            if (testing::Test::HasFailure()) stopped_ = true;
            else ++all_->seed_;
            return *this;
        }
        bool operator==(end_of_seeds) const noexcept { return stopped_ || all_->seed_ > all_->last_; }

    private:
        each_seed* all_;
        bool stopped_ = false;
    };
    [[nodiscard]] iterator begin() noexcept { return iterator{*this}; }
    [[nodiscard]] end_of_seeds end() const noexcept { return {}; }

private:
    static std::uint64_t first() {
        auto const* const one = std::getenv("COFFER_SEED");
        return one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
    }
    std::uint64_t seed_;
    std::uint64_t const last_;
};

/// SplitMix64: one seed, one sequence, on every platform.
class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : state_{seed * 0x9e3779b97f4a7c15U + 1} {}

    std::uint64_t bits() noexcept {
        auto z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    /// A number from 0 to `n` - 1.
    template <std::integral T>
    T below(T n) noexcept {
        return static_cast<T>(bits() % static_cast<std::uint64_t>(n));
    }
    /// In [0, 1).
    double unit() noexcept { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
    /// True once in `n`.
    bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace support
