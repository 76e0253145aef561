using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>A gpg with a home of its own, and one key in it.</summary>
public sealed class Gpg : IDisposable
{
    public const string Passphrase = "naïve passphrase 'with' \"quotes\"";
    private readonly string _home = Directory.CreateTempSubdirectory("pgm-gpg-").FullName;

    private Gpg()
    {
    }

    /// <summary>The private key, armored.</summary>
    public string PrivateKey { get; private set; } = string.Empty;

    public string PublicKey { get; private set; } = string.Empty;

    /// <summary>Makes a key, which takes gpg a second or two.</summary>
    /// <param name="algorithm">Such as <c>default</c> (RSA with a subkey that encrypts) or <c>future-default</c> (Curve25519).</param>
    /// <param name="passphrase">What locks it; empty for nothing.</param>
    public static async Task<Gpg> NewAsync(string algorithm, string passphrase)
    {
        var gpg = new Gpg();
        await gpg.RunAsync([], "--passphrase", passphrase, "--quick-generate-key", "test@example.com", algorithm, "default", "never");
        gpg.PrivateKey = System.Text.Encoding.ASCII.GetString(await gpg.RunAsync([], "--passphrase", passphrase, "--armor", "--export-secret-keys"));
        gpg.PublicKey = System.Text.Encoding.ASCII.GetString(await gpg.RunAsync([], "--armor", "--export"));
        return gpg;
    }

    public Task<byte[]> EncryptAsync(byte[] plain, params string[] options) => RunAsync(plain, [.. options, "--trust-model", "always", "--recipient", "test@example.com", "--encrypt"]);

    public Task<byte[]> DecryptAsync(byte[] encrypted, string passphrase) => RunAsync(encrypted, "--passphrase", passphrase, "--decrypt");

    private async Task<byte[]> RunAsync(byte[] input, params string[] arguments)
    {
        var start = new ProcessStartInfo("gpg", ["--homedir", _home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = Some.AllAsync(process.StandardOutput.BaseStream);
        var said = process.StandardError.ReadToEndAsync();
        await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await said);
        return await output;
    }

    public void Dispose()
    {
        // the agent that gpg started for this home
        using (var kill = Process.Start(new ProcessStartInfo("gpgconf", ["--homedir", _home, "--kill", "all"]) { RedirectStandardError = true })!)
        {
            kill.WaitForExit();
        }

        Directory.Delete(_home, recursive: true);
    }
}
