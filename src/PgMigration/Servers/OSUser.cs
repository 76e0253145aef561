using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>The operating-system user that runs a local server. PostgreSQL refuses to run as root.</summary>
/// <param name="Name">The user's name.</param>
public sealed record OSUser(string Name)
{
    private static readonly ConcurrentDictionary<string, string> Homes = [];

    /// <summary>The user whose process this is.</summary>
    public static OSUser Current => new(Environment.UserName);

    /// <summary>Who runs a server when nobody says: <c>postgres</c> if this process is root, else the user of this process.</summary>
    public static OSUser Default => Environment.IsPrivilegedProcess ? new OSUser("postgres") : Current;

    /// <summary>Whether commands must change the user first.</summary>
    public bool NeedsSwitch => Name != Environment.UserName;

    /// <summary>A process start that runs the program as this user, without a shell and without its arguments passing through one.</summary>
    public ProcessStartInfo Command(string program, params IEnumerable<string> arguments)
    {
        var start = NeedsSwitch ? new ProcessStartInfo("setpriv", ["--reuid", Name, "--regid", Name, "--init-groups", "--", program]) : new ProcessStartInfo(program);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        if (NeedsSwitch)
        {
            (start.Environment["HOME"], start.Environment["USER"], start.Environment["LOGNAME"]) = (Homes.GetOrAdd(Name, FindHome), Name, Name);
        }

        return start;
    }

    /// <summary>The numbers of this user and its group, as the name service of this machine knows them.</summary>
    /// <exception cref="MigrationException"><c>OSUserUnknown</c>, <c>OSUserIsRoot</c>.</exception>
    public FileOwner Numbers() => Ask("-u") is var user and not 0 ? new(user, Ask("-g")) : throw new MigrationException("OSUserIsRoot", MigrationErrorKind.InvalidArgument,
        $"'{Name}' is root on this machine, and PostgreSQL refuses to run as root. Name another user with -OSUser, such as postgres.");

    // programs of another user look for their settings in that user's home, not in that of this process; getent knows users of a directory service too
    private static string FindHome(string name)
    {
        using var process = Process.Start(new ProcessStartInfo("getent", ["passwd", "--", name]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string[] fields = process.StandardOutput.ReadToEnd().Trim().Split(':');
        process.WaitForExit();
        return fields.Length > 5 && fields[5].Length > 0 ? fields[5] : "/";
    }

    private uint Ask(string what)
    {
        using var process = Process.Start(new ProcessStartInfo("id", [what, "--", Name]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string number = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return uint.TryParse(number.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint id)
            ? id
            : throw new MigrationException("OSUserUnknown", MigrationErrorKind.NotFound,
                $"This machine has no user '{Name}'. Make one (useradd --system {Name}), or name another with -OSUser; PostgreSQL refuses to run as root.");
    }
}
