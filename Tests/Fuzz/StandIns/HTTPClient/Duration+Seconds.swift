extension Duration {
    /// All that the readers use of the room HTTPClient, which stands on libcurl.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
