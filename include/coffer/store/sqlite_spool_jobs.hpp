// SPDX-License-Identifier: BSL-1.0
#pragma once
// Paid answers on their way into the store's file, straight or by way of the spool.

#include <coffer/state/record_machine.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/time/completion.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Keeps what a send brought back; nothing is durable yet.
[[nodiscard]] outcome<void> keep_answer(opened_file& f, clock& c, spooled_answer const& a, shared_answer const& what);

/// The bringing of a paid answer. While the file does not take it, it stands in the spool, and nowhere else if it can.
class answer_job final : public job {
public:
    answer_job(opened_file& file, std::shared_ptr<clock> c, spooled_answer what);

    [[nodiscard]] completion<outcome<void>> const& done() const noexcept { return done_; }
    COFFER_INLINE void carry_out() override;
    COFFER_INLINE void tell() noexcept override;
    COFFER_INLINE void refuse(fault why) noexcept override;
    COFFER_INLINE bool spool() noexcept override;

private:
    [[nodiscard]] bool is_known();

    opened_file& file_;
    std::shared_ptr<clock> clock_;
    spooled_answer what_;
    std::filesystem::path spooled_;
    std::optional<outcome<void>> result_;
    completion<outcome<void>> done_;
};

/// The taking in of what others have left in the spool: one file, then the next, so that memory holds one body and what
/// is submitted meanwhile has its turn.
class leftover_job final : public job {
public:
    /// `left`: at least one, the last one first. `is_all`: nothing is in the spool besides.
    leftover_job(opened_file& file, std::shared_ptr<clock> c, std::vector<spool_file> left, bool is_all);

    COFFER_INLINE void carry_out() override;
    COFFER_INLINE void tell() noexcept override;
    void refuse(fault) noexcept override {
        is_all_ = false;
        next();
    }

private:
    void next() noexcept;

    opened_file& file_;
    std::shared_ptr<clock> clock_;
    std::vector<spool_file> left_;
    bool is_all_;
    std::optional<outcome<void>> result_;
};

/// Looks for what dead processes have left. It needs no record: whether the file works does not matter.
class look_job final : public job {
public:
    look_job(opened_file& file, std::shared_ptr<clock> c);

    void carry_out() override {}
    void tell() noexcept override { look(); }
    void refuse(fault) noexcept override { look(); }

private:
    void look() noexcept;

    opened_file& file_;
    std::shared_ptr<clock> clock_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_spool_jobs.ipp>
#endif
