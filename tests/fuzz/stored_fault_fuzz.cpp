// SPDX-License-Identifier: BSL-1.0
// Faults and fingerprints as they stand in a file, which another version may have written, or nobody.
#include <coffer/store/sqlite_fault.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

namespace stored = coffer::sqlite::detail;
using fuzz::require;

namespace {

void require_same(coffer::fault const& a, coffer::fault const& b) {
    require(a.kind() == b.kind() && a.execution() == b.execution() && a.billing() == b.billing() &&
                a.stop() == b.stop() && a.status() == b.status() && a.retry_after() == b.retry_after() &&
                a.message() == b.message() && a.code() == b.code() && a.request_id() == b.request_id() &&
                a.fields() == b.fields(),
            "a fault is read as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const bytes = fuzz::text_of(data, size);
    std::size_t taken = 0;
    for (stored::text_reader from{bytes}; !from.at_end();) {
        auto const piece = from.text();
        require(piece.empty() || (piece.data() >= bytes.data() && piece.data() + piece.size() <= bytes.data() + size),
                "a text is part of the bytes");
        require((taken += piece.size()) <= size, "no byte is read twice");
    }

    auto const f = stored::decode_fault(bytes);
    require_same(f, stored::decode_fault(stored::encode(f)));

    auto const print = stored::decode_fingerprint(7, bytes);
    auto const again = stored::decode_fingerprint(7, stored::encode(print));
    require(again == print, "a fingerprint is read as it was written");

    // And whatever words a fault has.
    auto const half = std::string{bytes.substr(0, size / 2)};
    auto words = coffer::fault{coffer::fault_kind::ambiguous, half};
    words.with_code(std::string{bytes.substr(size / 2)}).with_fields({half, "x"});
    require_same(words, stored::decode_fault(stored::encode(words)));
    return 0;
}
