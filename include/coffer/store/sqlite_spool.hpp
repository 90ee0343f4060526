// SPDX-License-Identifier: BSL-1.0
#pragma once
// Paid answers that the store's file would not take, as files of their own beside it, until it does.
//
// What waits in memory for the file to work again dies with the process; what is spooled does not. A file here is read by
// the next process that opens the store, or that claims its key, once its owner is dead.

#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/crypto/key_ring.hpp>
#include <coffer/state/record.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_bodies.hpp>
#include <coffer/store/sqlite_fault.hpp>
#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_secret.hpp>  // sync_directory

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace coffer::inline v0::sqlite::detail {

/// A paid answer and where it belongs.
struct spooled_answer {
    record_id record;
    claim_id claim{};
    int send = 0;
    std::optional<fingerprint> print;  ///< as the store keeps it; needed if the record is gone
    shared_answer what;
    std::chrono::nanoseconds cached_for{};  ///< not in the file: what is left there by the dead is kept as any answer
};

// In a file: texts as in sqlite_fault.hpp. Version, namespace, digest, claim, send, the fingerprint's version (-1: none) and
// bytes, status, request id, cost (empty: unknown), eight kinds of tokens (empty: unknown), body, "end".
inline constexpr std::int64_t spool_version = 1;
inline constexpr std::int64_t sealed_spool_version = 2;  // the body is sealed, see sqlite_bodies.hpp

[[nodiscard]] inline std::string encode(spooled_answer const& a, body_codec const& bodies = body_codec{nullptr}) {
    auto const sealed = bodies.seal(a.what->body, {a.record.digest, a.send});
    std::string bytes;
    put(bytes, sealed ? sealed_spool_version : spool_version);
    put(bytes, a.record.name_space);
    put(bytes, a.record.digest);
    put(bytes, std::string_view{reinterpret_cast<char const*>(a.claim.data()), a.claim.size()});
    put(bytes, a.send);
    put(bytes, a.print ? std::int64_t{a.print->version()} : -1);
    put(bytes, a.print ? encode(*a.print) : std::string{});
    put(bytes, a.what->status);
    put(bytes, a.what->request_id);
    put(bytes, a.what->cost ? std::to_string(a.what->cost->nano()) : std::string{});
    auto const& u = a.what->usage;
    for (auto const bucket : usage_buckets) put(bytes, u ? std::to_string((*u).*bucket) : std::string{});
    put(bytes, sealed ? *sealed : a.what->body);
    put(bytes, "end");
    return bytes;
}

/// Nothing for bytes that this coffer did not write. Throws `std::runtime_error`, as `body_codec::read` does, for a body
/// that cannot be read.
[[nodiscard]] inline std::optional<spooled_answer> decode_spooled(std::string_view bytes,
                                                                  body_codec const& bodies = body_codec{nullptr}) {
    text_reader from{bytes};
    auto const spooled_as = from.number();
    if (spooled_as != spool_version && spooled_as != sealed_spool_version) return std::nullopt;
    spooled_answer a;
    a.record.name_space = from.text();
    a.record.digest = from.text();
    auto const claim = from.text();
    if (claim.size() != a.claim.size()) return std::nullopt;
    std::transform(claim.begin(), claim.end(), a.claim.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    a.send = static_cast<int>(from.number());
    auto const version = from.number();
    auto const print = from.text();
    if (version >= 0) a.print = decode_fingerprint(static_cast<std::uint32_t>(version), print);
    answer what;
    what.status = static_cast<int>(from.number());
    what.request_id = from.text();
    auto const number = [](std::string_view text) {
        std::int64_t n = 0;
        std::from_chars(text.data(), text.data() + text.size(), n);
        return n;
    };
    if (auto const cost = from.text(); !cost.empty()) what.cost = money::from_nano(number(cost));
    for (auto const bucket : usage_buckets) {
        auto const tokens = from.text();
        if (tokens.empty()) continue;
        if (!what.usage) what.usage.emplace();
        (*what.usage).*bucket = number(tokens);
    }
    what.body = from.text();
    bool const whole = from.text() == "end" && from.at_end();
    if (!whole || a.record.digest.empty() || a.send < 1) return std::nullopt;
    if (spooled_as == sealed_spool_version)
        what.body = bodies.read(static_cast<std::int64_t>(body_form::sealed), what.body, {a.record.digest, a.send});
    a.what = std::make_shared<answer const>(std::move(what));
    return a;
}

/// The directory of such files. Thread safety: any thread; several processes.
class spool {
public:
    /// Nothing is made before it is needed. `most_bytes`: of this process's files together.
    spool(std::filesystem::path directory, process_owner const& owner, std::size_t most_bytes,
          std::shared_ptr<crypto::key_ring const> keys = {})
        : directory_{std::move(directory)}, owner_{owner}, most_{most_bytes}, bodies_{std::move(keys)} {}

    /// Writes the answer down, durable when this returns. The file's path; empty if it cannot be done.
    [[nodiscard]] std::filesystem::path keep(spooled_answer const& a) noexcept {
        try {
            auto const bytes = encode(a, bodies_);
            {
                std::lock_guard const lock{mutex_};
                if (bytes.size() > most_ - std::min(used_, most_)) return {};
                used_ += bytes.size();
            }
            auto const path = directory_ / name_of(owner_.name(), a);
            if (write(path, bytes)) return path;
            std::lock_guard const lock{mutex_};
            used_ -= bytes.size();
        } catch (...) {  // it stays in memory
        }
        return {};
    }
    /// The answer is in the store.
    void drop(std::filesystem::path const& file) noexcept {
        std::error_code ignored;
        auto const size = std::filesystem::file_size(file, ignored);
        if (ignored || !std::filesystem::remove(file, ignored)) return;
        std::lock_guard const lock{mutex_};
        used_ -= std::min<std::size_t>(used_, size);
    }
    /// The store will never take this one: it is left for somebody to look at, and not read again.
    void set_aside(std::filesystem::path const& file) const noexcept {
        std::error_code ignored;
        auto aside = file;
        std::filesystem::rename(file, aside += ".refused", ignored);
    }

    struct orphan {
        std::filesystem::path file;
        spooled_answer answer;
    };
    /// What dead processes have left; with `digest`, only what belongs to that record. What is no answer is set aside.
    ///
    /// One whose body cannot be read, for want of its key, stays where it is. With `digest` it throws `std::runtime_error`,
    /// so that the record is not sent for again meanwhile.
    [[nodiscard]] std::vector<orphan> orphans(std::string_view digest = {}) const {
        std::vector<orphan> found;
        std::error_code none;
        for (std::filesystem::directory_iterator at{directory_, none}, end; !none && at != end; at.increment(none)) {
            auto const name = at->path().filename().string();
            auto const owner = owner_in(name);
            if (owner.empty() || owner == owner_.name() || !owner_.is_dead(owner)) continue;
            if (!digest.empty() && name.find(hex_of(digest)) == std::string::npos) continue;
            std::ifstream in{at->path(), std::ios::binary};
            std::string const bytes{std::istreambuf_iterator<char>{in}, {}};
            if (!in) continue;
            try {
                if (auto a = decode_spooled(bytes, bodies_)) found.push_back({at->path(), *std::move(a)});
                else set_aside(at->path());
            } catch (std::runtime_error const&) {
                if (!digest.empty()) throw;
            }
        }
        return found;
    }
    [[nodiscard]] std::filesystem::path const& directory() const noexcept { return directory_; }

private:
    // <boot>-<process>-<digest>-<send>: who may read it and what it belongs to is seen without opening it.
    static constexpr std::string_view suffix = ".answer";

    [[nodiscard]] static std::string hex_of(std::string_view digest) {
        return to_text({"", std::string{digest}}).substr(1);
    }
    [[nodiscard]] static std::string name_of(std::string_view owner, spooled_answer const& a) {
        return std::string{owner} + "-" + hex_of(a.record.digest) + "-" + std::to_string(a.send) + std::string{suffix};
    }
    [[nodiscard]] static std::string owner_in(std::string_view name) {
        auto const dash = name.find('-', name.find('-') + 1);
        if (!name.ends_with(suffix) || dash == std::string_view::npos) return {};
        return std::string{name.substr(0, dash)};
    }

    /// All or nothing: written under another name first.
    [[nodiscard]] bool write(std::filesystem::path const& path, std::string_view bytes) const {
        if (::mkdir(directory_.c_str(), 0700) == 0) sync_directory(directory_.parent_path());
        auto draft = path;
        draft += ".draft";
        descriptor const file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file) return false;
        while (!bytes.empty()) {
            auto const written = ::write(file.get(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) break;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        std::error_code code;
        bool const whole = bytes.empty() && ::fsync(file.get()) == 0;
        if (whole) std::filesystem::rename(draft, path, code);
        if (!whole || code) {
            std::filesystem::remove(draft, code);
            return false;
        }
        sync_directory(directory_);
        return true;
    }

    std::filesystem::path const directory_;
    process_owner const& owner_;
    std::size_t const most_;
    body_codec const bodies_;
    std::mutex mutex_;
    std::size_t used_ = 0;
};

}  // namespace coffer::inline v0::sqlite::detail
