import Foundation

/// The target is named in the environment, because the arguments are libFuzzer's.
private let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""

private let check: @Sendable ([UInt8]) throws(BrokenProperty) -> Void = {
    if let target = FuzzTarget(rawValue: name) { return { (bytes) throws(BrokenProperty) in try target.check(bytes) } }
    if let target = ReaderTarget(rawValue: name) { return { (bytes) throws(BrokenProperty) in try target.check(bytes) } }
    let names = FuzzTarget.allCases.map(\.rawValue) + ReaderTarget.allCases.map(\.rawValue)
    fatalError("FUZZ_TARGET is one of: \(names.joined(separator: " "))")
}()

/// libFuzzer's entry point. A trap is a finding; its message is the broken property.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do throws(BrokenProperty) {
        try check(bytes)
    } catch {
        fatalError("\(name): \(error)")
    }
    return 0
}
