// What a name in a file may be.
#ifndef MACE_IMPORTERS_CLEAN_TEXT_H_
#define MACE_IMPORTERS_CLEAN_TEXT_H_

#include <string>
#include <string_view>

namespace mace::importers {

// Whether `text` is UTF-8 without zero bytes.
bool IsCleanUtf8(std::string_view text);

// `text` with control characters and bytes that are no UTF-8 as escapes (\n, \x1b): a name in a file cannot
// forge lines of a message or drive a terminal.
std::string Printable(std::string_view text);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_CLEAN_TEXT_H_
