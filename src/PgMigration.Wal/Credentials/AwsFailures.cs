using System.Net.Sockets;
using System.Security.Authentication;

namespace PgMigration.Wal;

/// <summary>What a failure of the SDK is about.</summary>
public static class AwsFailures
{
    /// <summary>Whether an error says that another machine was not reached, or did not answer: not that a file or an assembly is missing.</summary>
    public static bool IsNetwork(Exception error)
    {
        for (var inner = error; inner is not null; inner = inner.InnerException)
        {
            if (inner is FileNotFoundException or DirectoryNotFoundException or FileLoadException or BadImageFormatException or TypeLoadException or AuthenticationException)
            {
                return false;
            }
        }

        return Inner<HttpRequestException>(error) is not null || Inner<SocketException>(error) is not null || Inner<IOException>(error) is not null
            || Inner<OperationCanceledException>(error) is not null || Inner<TimeoutException>(error) is not null;
    }

    /// <summary>The error of a kind among an error and those that caused it; null for none.</summary>
    internal static T? Inner<T>(Exception? error)
        where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found)
            {
                return found;
            }
        }

        return null;
    }
}
